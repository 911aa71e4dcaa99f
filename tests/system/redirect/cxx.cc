/* SPDX-License-Identifier: BSD-3-Clause */
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

struct c_free {
    void operator()(void *p) const
    {
        std::free(p);
    }
};

int main()
{
    std::unique_ptr<char, c_free> text(static_cast<char *>(std::malloc(100)));
    std::strcpy(text.get(), "text");
    char *copy = strdup(text.get());
    copy = static_cast<char *>(realloc(copy, 200));
    ::free(copy);
    std::string string(1000, 'x'); /* redirection does not change operator new, which is libstdc++'s */
    std::vector<int> numbers(1000);
    void (*release)(void *) = &std::free;
    release(std::calloc(3, 4));
    return string.size() + numbers.size() == 2000 ? 0 : 1;
}
