// SPDX-License-Identifier: BSD-3-Clause
// A program in C++ that knows nothing of threadmeter. It prints what each step allocated, and what it left.
#include "figures.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <exception>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace
{

struct line {
    const char *step;
    figures before, after;
};
line lines[64]; // printed at the end, since printing allocates
int count;
std::mutex mutex;

template <typename Body> void step(const char *name, Body body)
{
    line made{name, {}, {}};
    take_figures(&made.before);
    body();
    take_figures(&made.after);
    std::lock_guard<std::mutex> guard(mutex);
    lines[count++] = made;
}

struct alignas(64) wide {
    char bytes[192];
};

void *volatile kept;

void operators()
{
    for (std::size_t size = 1; size < 100000; size = size * 3 / 2 + 1) {
        char *array = new char[size];
        kept = array;
        delete[] array;
        kept = ::operator new(size, std::nothrow);
        ::operator delete(kept, std::nothrow);
    }
    wide *one = new wide, *some = new wide[3];
    kept = one;
    kept = some;
    delete[] some;
    delete one;
    kept = new int[250];
}

std::string strings()
{
    std::string text;
    for (int i = 0; i < 5000; i++)
        text += "and on";
    text.shrink_to_fit();
    return text;
}

void containers()
{
    std::vector<std::vector<int>> rows;
    std::map<int, std::string> tree;
    std::unordered_map<std::string, std::list<double>> table;
    std::deque<std::shared_ptr<wide>> queue;
    for (int i = 0; i < 300; i++) {
        rows.emplace_back(i, i);
        tree[i] = std::string(i, 'x');
        table[tree[i / 2]].push_back(i);
        queue.push_back(std::make_shared<wide>());
        if (i % 3 == 0)
            queue.pop_front();
    }
    static std::vector<int> stays(1000);
    stays.push_back(1);
}

void exceptions()
{
    int caught = 0;
    for (int i = 0; i < 20; i++)
        try {
            std::string reason(100 + i, 'r');
            if (i % 2)
                throw std::runtime_error(reason);
            volatile std::size_t huge = SIZE_MAX / 2;
            kept = ::operator new(huge);
        } catch (const std::runtime_error &error) {
            caught += error.what()[0] == 'r';
        } catch (const std::bad_alloc &) {
            caught++;
        }
    static std::exception_ptr stays;
    try {
        throw std::out_of_range(std::to_string(caught) + " of twenty, and this one is kept");
    } catch (...) {
        stays = std::current_exception();
    }
}

void library()
{
    std::ostringstream out;
    for (int i = 0; i < 1000; i++)
        out << i << ' ' << i / 3.0 << '\n';
    std::istringstream in(out.str());
    std::size_t longest = 0;
    for (std::string read; std::getline(in, read);)
        longest = std::max(longest, read.size());
    kept = longest ? kept : nullptr;
}

} // namespace

int main()
{
    static std::string text;
    step("operators", operators);
    step("strings", [] { text = strings(); });
    step("containers", containers);
    step("exceptions", exceptions);
    step("library", library);

    // Each thread makes a string, and main frees it. Threads run one after another, so that lines are in one order.
    static std::unique_ptr<std::string> made[4];
    for (int i = 0; i < 4; i++) {
        std::thread thread([i] {
            step("thread", [i] {
                containers();
                made[i] = std::make_unique<std::string>(1000 * (i + 1), 't');
            });
        });
        thread.join();
    }
    step("frees", [] {
        for (auto &each : made)
            each.reset();
    });

    for (int i = 0; i < count; i++)
        std::printf("%s: %lu allocated, %ld live in %ld blocks\n", lines[i].step,
                    lines[i].after.allocated - lines[i].before.allocated,
                    static_cast<long>(lines[i].after.live - lines[i].before.live),
                    static_cast<long>(lines[i].after.blocks - lines[i].before.blocks));
    return end_of_figures();
}
