#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
usage: counters.py PAGE HEADER OUTPUT

Writes the man page PAGE with an item for each counter that TM_COUNTERS of HEADER lists, at the line that says so.
"""
import re
import sys

page, header, output = sys.argv[1:]
here = '.\\" counters.py puts all of TM_COUNTERS here.\n'
listed = re.search(r'#define TM_COUNTERS\(X\)((?:.*\\\n)+.*)', open(header, encoding='utf-8').read()).group(1)
items = [f'.It Va {name}\n{meaning}\n' for name, meaning in re.findall(r'X\((\w+), \w+,[\s\\]*"([^"]+)"\)', listed)]
before, after = open(page, encoding='utf-8').read().split(here)
if len(items) != listed.count('X('):
    sys.exit(f'{header}: {listed.count("X(")} counters, of which {len(items)} can be read')
open(output, 'w', encoding='utf-8').write(before + ''.join(items) + after)
