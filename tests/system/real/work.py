# SPDX-License-Identifier: BSD-3-Clause
"""Work for Python under scripts/checks/test-preload: threads, children of each kind, C extensions. It checks its results."""

import hashlib
import json
import lzma
import multiprocessing
import re
import sqlite3
import subprocess
import sys
import threading
import zlib


def digest(seed):
    rows = [{"n": i * seed, "text": "x" * (i % 50), "list": list(range(i % 20))} for i in range(2000)]
    text = json.dumps(rows)
    assert json.loads(text) == rows
    assert zlib.decompress(zlib.compress(text.encode())).decode() == text
    return hashlib.sha256(text.encode()).hexdigest()


def store(results, seed):
    database = sqlite3.connect(":memory:")
    database.execute("create table t (n integer, text text)")
    database.executemany("insert into t values (?, ?)", ((i, str(i)) for i in range(5000)))
    assert database.execute("select sum(n), count(distinct text) from t").fetchone() == (12497500, 5000)
    assert len(re.findall(r"\d+", " ".join(map(str, range(5000))))) == 5000
    assert len(lzma.decompress(lzma.compress(bytes(100000)))) == 100000
    results[seed] = digest(seed)


def main():
    expected = {seed: digest(seed) for seed in range(1, 7)}
    found = {}
    threads = [threading.Thread(target=store, args=(found, seed)) for seed in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map(digest, expected) == list(expected.values())
            pool.close()
            pool.join()
    assert subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, check=True).stdout == b"42\n"


if __name__ == "__main__":
    main()
