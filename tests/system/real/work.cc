// SPDX-License-Identifier: BSD-3-Clause
// Work for scripts/checks/test-preload: a program in modern C++, without threadmeter. Each run prints the same.
#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace
{

struct alignas(256) Wide {
    std::string text;
    char rest[500];
};

// Its destructor runs when the thread exits, and frees memory.
struct History {
    std::vector<std::string> entries;
};
thread_local History history;

std::size_t count_words(unsigned seed)
{
    std::unordered_map<std::string, std::unique_ptr<Wide>> words;
    for (unsigned i = 0; i < 20000; i++) {
        seed = seed * 1103515245 + 12345;
        auto &word = words[std::to_string(seed / 65536 % 3000)];
        if (!word)
            word = std::make_unique<Wide>();
        if (reinterpret_cast<std::size_t>(word.get()) % alignof(Wide) != 0)
            throw std::logic_error("misaligned");
        word->text += 'x';
    }
    std::map<std::size_t, std::vector<std::string>> by_length;
    for (auto &[name, word] : words) {
        by_length[word->text.size()].push_back(name);
        history.entries.push_back(name);
    }
    std::size_t sum = 0;
    for (auto &[length, names] : by_length)
        sum += length * names.size();
    return sum * 1000 + by_length.size();
}

// A pool of threads, whose jobs are created by one thread and destroyed by others.
class Pool
{
  public:
    explicit Pool(unsigned size)
    {
        for (unsigned i = 0; i < size; i++)
            threads.emplace_back([this] { work(); });
    }
    ~Pool()
    {
        {
            std::lock_guard<std::mutex> lock(mutex);
            over = true;
        }
        more.notify_all();
        for (auto &thread : threads)
            thread.join();
    }
    template <typename F> auto run(F job) -> std::future<decltype(job())>
    {
        auto task = std::make_shared<std::packaged_task<decltype(job())()>>(std::move(job));
        {
            std::lock_guard<std::mutex> lock(mutex);
            jobs.emplace_back([task] { (*task)(); });
        }
        more.notify_one();
        return task->get_future();
    }

  private:
    void work()
    {
        for (;;) {
            std::unique_lock<std::mutex> lock(mutex);
            more.wait(lock, [this] { return over || !jobs.empty(); });
            if (jobs.empty())
                return;
            auto job = std::move(jobs.front());
            jobs.pop_front();
            lock.unlock();
            job();
        }
    }
    std::mutex mutex;
    std::condition_variable more;
    std::deque<std::function<void()>> jobs;
    std::vector<std::thread> threads;
    bool over = false;
};

std::string fail(unsigned number)
{
    std::ostringstream text;
    text << "failure " << number;
    throw std::runtime_error(text.str());
}

} // namespace

int main()
{
    Pool pool(4);
    std::vector<std::future<std::size_t>> sums;
    for (unsigned i = 0; i < 40; i++)
        sums.push_back(pool.run([i] { return count_words(i); }));
    for (auto &sum : sums)
        std::cout << sum.get() << '\n';
    for (unsigned i = 0; i < 100; i++) {
        auto failure = pool.run([i] { return fail(i); });
        try {
            failure.get();
        } catch (const std::runtime_error &error) {
            if (i % 25 == 0)
                std::cout << error.what() << '\n';
        }
    }
    auto later = std::async(std::launch::async, [] { return std::string(100000, 'x').size(); });
    std::cout << later.get() << '\n';
    for (int i = 0; i < 50; i++)
        std::thread([] {
            history.entries.assign(1000, "an entry that is too long to be in the string itself");
        }).join();
    return 0;
}
