// SPDX-License-Identifier: BSD-3-Clause
/*
 * Where tcmalloc's objects begin depends on pages, on size classes and on its environment. MallocExtension::Ranges() in
 * malloc_extension.h lists the pieces of memory that tcmalloc cuts into objects; there is no such function for C.
 */
#include "base/tcmalloc/ranges.h"

#include <gperftools/malloc_extension.h>

namespace
{

struct Search {
    uintptr_t address;
    tm__range found;
};

void examine(void *arg, const base::MallocRange *range)
{
    Search *search = static_cast<Search *>(arg);
    search->found.has_list = true;
    if (search->address - range->address < range->length) {
        search->found.is_listed = true;
        search->found.in_use = range->type == base::MallocRange::INUSE || range->type == base::MallocRange::UNKNOWN;
        search->found.start = range->address;
    }
}

} // namespace

extern "C" tm__range tm__find_range(const void *address)
{
    Search search = {reinterpret_cast<uintptr_t>(address), {false, false, false, 0}};
    MallocExtension::instance()->Ranges(&search, examine);
    return search.found;
}
