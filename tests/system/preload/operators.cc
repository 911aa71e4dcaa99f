// SPDX-License-Identifier: BSD-3-Clause
// All forms of C++'s operators new and delete, with ours before libstdc++'s: each block is charged to its thread.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include <threadmeter/totals.h>

namespace
{

int failures;

void expect(bool right, const char *what, int line)
{
    if (!right) {
        std::fprintf(stderr, "operators.cc:%d: %s\n", line, what);
        failures++;
    }
}
#define EXPECT(condition) expect(condition, #condition, __LINE__)

std::uint64_t live()
{
    tm_totals totals;
    tm_thread_totals(&totals);
    return tm_live_bytes(&totals);
}

struct alignas(128) Wide {
    char bytes[256];
};

void each_form()
{
    constexpr std::size_t size = 100;
    constexpr std::align_val_t wide{64};
    const std::uint64_t before = live();
    void *volatile blocks[8];
    blocks[0] = ::operator new(size);
    EXPECT(live() == before + size);
    blocks[1] = ::operator new[](size);
    blocks[2] = ::operator new(size, std::nothrow);
    blocks[3] = ::operator new[](size, std::nothrow);
    EXPECT(live() == before + 4 * size);
    blocks[4] = ::operator new(size, wide);
    blocks[5] = ::operator new[](size, wide);
    blocks[6] = ::operator new(size, wide, std::nothrow);
    blocks[7] = ::operator new[](size, wide, std::nothrow);
    EXPECT(live() == before + 8 * size);
    for (int i = 4; i < 8; i++)
        EXPECT(reinterpret_cast<std::uintptr_t>(blocks[i]) % 64 == 0);
    ::operator delete(blocks[0]);
    ::operator delete[](blocks[1], size);
    ::operator delete(blocks[2], std::nothrow);
    ::operator delete[](blocks[3], std::nothrow);
    EXPECT(live() == before + 4 * size);
    ::operator delete(blocks[4], wide);
    ::operator delete[](blocks[5], size, wide);
    ::operator delete(blocks[6], wide, std::nothrow);
    ::operator delete[](blocks[7], wide, std::nothrow);
    EXPECT(live() == before);

    blocks[0] = ::operator new[](size);
    blocks[1] = ::operator new(size);
    blocks[2] = ::operator new[](size, wide);
    blocks[3] = ::operator new(size, wide);
    ::operator delete[](blocks[0]);
    ::operator delete(blocks[1], size);
    ::operator delete[](blocks[2], wide);
    ::operator delete(blocks[3], size, wide);
    EXPECT(live() == before);
    ::operator delete(nullptr);
}

int called;

void give_up_at_third()
{
    if (++called == 3)
        std::set_new_handler(nullptr);
}

void what_is_refused()
{
    const volatile std::size_t huge = SIZE_MAX / 2;
    const std::uint64_t before = live();
    std::set_new_handler(give_up_at_third);
    bool thrown = false;
    try {
        void *volatile block = ::operator new(huge);
        (void)block;
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    EXPECT(thrown);
    EXPECT(called == 3);
    EXPECT(::operator new(huge, std::nothrow) == nullptr);
    EXPECT(::operator new[](huge, std::align_val_t{64}, std::nothrow) == nullptr);
    thrown = false;
    try {
        void *volatile block = ::operator new[](huge, std::align_val_t{64});
        (void)block;
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    EXPECT(thrown);
    EXPECT(live() == before); // exceptions are allocated, too
}

void containers()
{
    const std::uint64_t before = live();
    {
        std::vector<Wide> wide(10);
        EXPECT(live() == before + 10 * sizeof(Wide));
        EXPECT(reinterpret_cast<std::uintptr_t>(wide.data()) % 128 == 0);
        std::map<int, std::string> map;
        for (int i = 0; i < 1000; i++)
            map[i] = std::string(100, 'x');
        EXPECT(live() > before + 10 * sizeof(Wide) + 1000 * 101);
    }
    EXPECT(live() == before);
}

int count_orphans(const tm_slot *slot, void *arg)
{
    if (slot->state == TM_ORPHAN)
        *static_cast<std::uint64_t *>(arg) += tm_live_bytes(&slot->totals);
    return 0;
}

std::uint64_t orphaned()
{
    std::uint64_t bytes = 0;
    tm_each_slot(count_orphans, &bytes);
    return bytes;
}

void threads()
{
    std::vector<std::unique_ptr<std::vector<char>>> made(4);
    {
        std::vector<std::thread> threads;
        for (auto &result : made)
            threads.emplace_back([&result] { result = std::make_unique<std::vector<char>>(10000); });
        for (auto &thread : threads)
            thread.join();
    }
    EXPECT(orphaned() == 4 * (10000 + sizeof(std::vector<char>)));
    made.clear();
    EXPECT(orphaned() == 0);
}

} // namespace

int main()
{
    each_form();
    what_is_refused();
    containers();
    threads();
    tm_cross_allocator_calls calls;
    tm_process_cross_allocator_calls(&calls);
    EXPECT(calls.foreign_frees == 0 && calls.intercepted_frees == 0);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
