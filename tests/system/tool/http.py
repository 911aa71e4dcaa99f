#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# threadmeter export --listen with clients that are slow, many, or wrong: a client with a correct request gets an
# answer.
# usage: http.py TOOL; prints TAP. No time is measured: a timeout of minutes only ends what would never end.
import atexit
import contextlib
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading

from expecting import finish, result

TOOL = sys.argv[1]
GUARD = 120


def same(name, got, wanted):
    result(got == wanted, name, (got, wanted))


class Exporter:
    def __init__(self, address='127.0.0.1:0'):
        self.directory = tempfile.mkdtemp()
        self.process = subprocess.Popen([TOOL, 'export', '--listen', address, '--dir', self.directory],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)
        self.line = self.process.stdout.readline()
        found = re.fullmatch(r'listening at http://(.*):(\d+)/metrics\n', self.line)
        self.address = (found[1].strip('[]'), int(found[2])) if found else None

    def connect(self):
        return socket.create_connection(self.address, timeout=GUARD)

    def ask(self, request):
        """All bytes until the server closes the connection, or is silent after an answer."""
        with self.connect() as client:
            with contextlib.suppress(ConnectionError, BrokenPipeError):
                client.sendall(request)
            return read_all(client)

    def scrape(self):
        return self.ask(b'GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(GUARD)
        os.rmdir(self.directory)
        return code, self.process.stderr.read()


def read_all(client):
    said = b''
    with contextlib.suppress(ConnectionError):
        while more := client.recv(1 << 16):
            said += more
    return said


def is_scrape(said):
    return said.startswith(b'HTTP/1.1 200 ') and b'\nthreadmeter_build_info{' in said


def statuses(said):
    return [int(status) for status in re.findall(rb'^HTTP/1\.[01] (\d+) ', said, re.M)]


CLOSE = b'Host: h\r\nConnection: close\r\n'


def check_slow(exporter, number):
    """Each has sent half of a request, and sends a byte now and then. A correct request is answered at once."""
    clients = [exporter.connect() for _ in range(number)]
    stopped = threading.Event()

    def dribble():
        while not stopped.wait(1):
            for client in clients:
                with contextlib.suppress(OSError):
                    client.send(b'x')

    for client in clients:
        with contextlib.suppress(OSError):
            client.sendall(b'GET /metrics HTTP/1.1\r\nHost: h\r\nX-Slow: ')
    thread = threading.Thread(target=dribble, daemon=True)
    thread.start()
    for _ in range(3):
        result(is_scrape(exporter.scrape()), f'a scrape among {number} slow clients')
    # The server closes their connections in the end, although they are never silent.
    closed = sum(1 for client in clients if not read_all(client))
    same(f'{number} slow clients are closed', closed, number)
    stopped.set()
    thread.join()
    for client in clients:
        client.close()


def check_silent(exporter, number):
    """Clients that send a request and do not read the answer, and clients that send nothing."""
    clients = [exporter.connect() for _ in range(number)]
    for client in clients[::2]:
        with contextlib.suppress(OSError):
            client.sendall(b'GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n')
    result(is_scrape(exporter.scrape()), f'a scrape among {number} silent clients')
    for client in clients:
        client.close()


def check_many(exporter, number):
    """Many correct requests at the same time."""
    clients = []
    for _ in range(number):
        client = exporter.connect()
        client.sendall(b'GET /metrics HTTP/1.1\r\n' + CLOSE + b'\r\n')
        clients.append(client)
    answers = sum(1 for client in clients if is_scrape(read_all(client)))
    same(f'{number} connections at once are answered', answers, number)
    for client in clients:
        client.close()


def check_requests(exporter):
    def ask(name, request, wanted):
        same(name, statuses(exporter.ask(request)), wanted)

    metrics = b'GET /metrics HTTP/1.1\r\n' + CLOSE
    result(is_scrape(exporter.ask(metrics + b'Content-Length: 5\r\n\r\nhello')), 'GET with a body')
    result(is_scrape(exporter.ask(metrics + b'Content-Length: 60000\r\n\r\n' + 60000 * b'x')), 'GET with a longer body')
    result(is_scrape(exporter.ask(metrics + b'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n')),
           'GET with a body in chunks')
    ask('GET with a large body', metrics + b'Content-Length: 100000000\r\n\r\n' + 100000 * b'x', [413])
    ask('GET with a large body in chunks', metrics + b'Transfer-Encoding: chunked\r\n\r\n' +
        20 * (b'10000\r\n' + 65536 * b'x' + b'\r\n'), [413])
    with exporter.connect() as client:
        client.sendall(metrics + b'Expect: 100-continue\r\nContent-Length: 5\r\n\r\n')
        said = client.recv(1000)
        client.sendall(b'hello')
        same('Expect: 100-continue', statuses(said + read_all(client)), [100, 200])
    ask('Expect: 100-continue with a large body', metrics + b'Expect: 100-continue\r\nContent-Length: 100000000\r\n\r\n',
        [413])
    for method in b'POST', b'PUT', b'DELETE', b'PATCH':
        ask(f'{method.decode()}', method + b' /metrics HTTP/1.1\r\n' + CLOSE + b'Content-Length: 3\r\n\r\na=b', [405])
    ask('OPTIONS', b'OPTIONS /metrics HTTP/1.1\r\n' + CLOSE + b'\r\n', [405])
    ask('OPTIONS *', b'OPTIONS * HTTP/1.1\r\n' + CLOSE + b'\r\n', [405])
    ask('TRACE', b'TRACE / HTTP/1.1\r\n' + CLOSE + b'\r\n', [405])
    ask('a method that there is not', b'BREW /metrics HTTP/1.1\r\n' + CLOSE + b'\r\n', [405])
    head = exporter.ask(b'HEAD /metrics HTTP/1.1\r\n' + CLOSE + b'\r\n')
    result(statuses(head) == [200] and head.endswith(b'\r\n\r\n'), 'HEAD has no body', head)
    old = exporter.ask(b'GET /metrics HTTP/1.0\r\n\r\n')
    result(statuses(old) == [200] and b'\nthreadmeter_build_info{' in old, 'HTTP/1.0, which ends the connection', old)
    two = exporter.ask(b'GET /metrics HTTP/1.1\r\nHost: h\r\n\r\nGET /x HTTP/1.1\r\n' + CLOSE + b'\r\n')
    same('two requests at once', statuses(two), [200, 404])
    two = exporter.ask(b'GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /x HTTP/1.1\r\n' + CLOSE + b'\r\n')
    same('two requests at once, the first with a body', statuses(two), [200, 404])
    ask('a query', b'GET /metrics?name[]=x HTTP/1.1\r\n' + CLOSE + b'\r\n', [200])
    ask('a long path', b'GET /' + 8000 * b'x' + b' HTTP/1.1\r\n' + CLOSE + b'\r\n', [404])
    ask('a path of a megabyte', b'GET /' + 1000000 * b'x' + b' HTTP/1.1\r\n' + CLOSE + b'\r\n', [414])
    ask('a header of a megabyte', metrics + b'X: ' + 1000000 * b'x' + b'\r\n\r\n', [431])
    ask('a hundred thousand headers', metrics + 100000 * b'X: y\r\n' + b'\r\n', [431])
    same('a length that is none', statuses(exporter.ask(metrics + b'Content-Length: -1\r\n\r\n'))[:1], [400])
    for junk in (b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', b'\r\n\r\n\r\n', b'\0' * 100, b'GET\r\n\r\n',
                 b'GET /metrics\r\n\r\n'):
        exporter.ask(junk + b'\r\n\r\n')
        result(is_scrape(exporter.scrape()), f'a scrape after {junk[:16]!r}')


def check_ports():
    exporter = Exporter()
    result(exporter.address[1] > 0, 'port 0 is a free one, which is told', exporter.line)
    host, port = exporter.address
    second = subprocess.run([TOOL, 'export', '--listen', str(port)], capture_output=True, text=True, timeout=GUARD)
    same('a port in use', (second.returncode, second.stdout, second.stderr),
         (1, '', f'threadmeter export: cannot listen at {port}: Address already in use\n'))
    code, said = exporter.end()
    same('SIGTERM ends it', (code, said), (0, ''))
    again = Exporter(f'{host}:{port}') # though connections of before are not quite over
    result(is_scrape(again.scrape()), 'the port is free again')
    same('SIGINT ends it', again.end(signal.SIGINT), (0, ''))
    same('so does SIGHUP', Exporter().end(signal.SIGHUP), (0, ''))
    named = Exporter('localhost:0')
    result(is_scrape(named.scrape()), 'a name', named.line)
    named.end()
    try:
        socket.socket(socket.AF_INET6).bind(('::1', 0))
    except OSError:
        print('# no IPv6 here')
        return
    six = Exporter('[::1]:0')
    result(is_scrape(six.scrape()), 'IPv6', six.line)
    six.end()
    both = Exporter('[::]:0')
    both.address = ('127.0.0.1', both.address[1])
    result(is_scrape(both.scrape()), '[::] is IPv4, too', both.line)
    both.end()


def check_stop():
    """Scrapes while the server stops: each answer is whole, or there is none."""
    for _ in range(5):
        exporter = Exporter()
        said = []
        begun = threading.Event()

        def scrape_on():
            with contextlib.suppress(OSError):
                while True:
                    said.append(exporter.scrape())
                    begun.set()

        threads = [threading.Thread(target=scrape_on, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        begun.wait(GUARD)
        code, errors = exporter.end()
        for thread in threads:
            thread.join()
        same('it ends while it is scraped', (code, errors), (0, ''))
        cut = [text for text in said if text and not ((is_scrape(text) or text.startswith(b'HTTP/1.1 503 ')) and text.endswith(b'\n'))]
        result(not cut, 'no scrape is cut off', cut[:1])


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = 1000 if hard == resource.RLIM_INFINITY or hard >= 1200 else 200
    exporter = Exporter()
    check_requests(exporter)
    check_slow(exporter, 40)
    check_slow(exporter, 200)
    check_silent(exporter, 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, many + 200), hard))
    check_many(exporter, many)
    result(is_scrape(exporter.scrape()), 'a scrape after all that')
    same('it ends, and has said nothing', exporter.end(), (0, ''))
    check_ports()
    check_stop()
    finish()


main()
