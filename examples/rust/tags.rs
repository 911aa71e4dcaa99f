// SPDX-License-Identifier: BSD-3-Clause
//! A Rust program whose memory is counted by thread and by purpose. Linked with threadmeter-malloc, it needs nothing for
//! the first: Rust's allocator is malloc. For the second, a scope enters a tag; and a global allocator enters one by
//! itself, for what is large.
//!
//!     rustc -O tags.rs $(pkg-config --libs-only-L threadmeter-malloc) -l threadmeter_malloc -l threadmeter

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::CString;
use std::os::raw::{c_char, c_int};
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

#[repr(C)]
#[derive(Default)]
struct Totals {
    allocated_bytes: u64,
    allocated_blocks: u64,
    freed_bytes: u64,
    freed_blocks: u64,
    remote_frees_received_bytes: u64,
    remote_frees_received_blocks: u64,
    remote_frees_made_bytes: u64,
    peak_bytes: u64,
}

extern "C" {
    fn tm_tag_open(name: *const c_char) -> i32;
    fn tm_tag_enter(tag: i32) -> i32;
    fn tm_tag_leave(previous: i32);
    fn tm_tag_totals(tag: i32, totals: *mut Totals) -> c_int;
    fn tm_report(fd: c_int) -> c_int;
}

/// What the thread allocates until the end of the scope is charged to the tag.
struct Scope(i32);

impl Scope {
    fn enter(tag: i32) -> Scope {
        Scope(unsafe { tm_tag_enter(tag) })
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        unsafe { tm_tag_leave(self.0) }
    }
}

fn open(name: &str) -> i32 {
    let name = CString::new(name).unwrap();
    unsafe { tm_tag_open(name.as_ptr()) }
}

fn live(tag: i32) -> u64 {
    let mut totals = Totals::default();
    unsafe { tm_tag_totals(tag, &mut totals) };
    totals.allocated_bytes - totals.freed_bytes
}

/// Blocks of 64 KiB or more are charged to the tag "large", whoever makes them.
struct LargeApart;

static LARGE: AtomicI32 = AtomicI32::new(0);

fn scope_for(size: usize) -> Option<Scope> {
    let tag = LARGE.load(Relaxed);
    (size >= 65536 && tag > 0).then(|| Scope::enter(tag))
}

unsafe impl GlobalAlloc for LargeApart {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _scope = scope_for(layout.size());
        System.alloc(layout)
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let _scope = scope_for(layout.size());
        System.alloc_zeroed(layout)
    }
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let _scope = scope_for(size);
        System.realloc(block, layout, size)
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        System.dealloc(block, layout)
    }
}

#[global_allocator]
static ALLOCATOR: LargeApart = LargeApart;

fn main() {
    let index = open("index");
    LARGE.store(open("large"), Relaxed);

    // Each thread makes words, and a table that is large.
    let threads: Vec<_> = (1..=3)
        .map(|n: usize| {
            std::thread::spawn(move || {
                let _scope = Scope::enter(index);
                let mut words: Vec<String> = Vec::with_capacity(100);
                words.extend((0..100).map(|i| "w".repeat(n * (i + 1))));
                (words, vec![0u64; 10000 * n])
            })
        })
        .collect();
    let made: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();

    let (mut words, mut tables) = (0, 0);
    for (list, table) in &made {
        words += list.capacity() * std::mem::size_of::<String>();
        words += list.iter().map(String::capacity).sum::<usize>();
        tables += table.capacity() * 8;
    }
    println!("words: {} bytes, {} in the tag \"index\"", words, live(index));
    println!("tables: {} bytes, {} in the tag \"large\"", tables, live(LARGE.load(Relaxed)));
    unsafe { tm_report(1) };
    assert_eq!(live(index), words as u64);
    assert_eq!(live(LARGE.load(Relaxed)), tables as u64);
    drop(made);
    assert_eq!(live(index) + live(LARGE.load(Relaxed)), 0);
}
