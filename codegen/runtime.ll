; The thread pool. runtime.py tells how a job goes round, and fills in what differs between platforms.

target triple = "$triple"

; What several threads write stands on cache lines of its own. The sizes of the pthread types differ between platforms;
; 128 bytes hold the largest of each (macOS: 64; glibc: 48).
%Job    = type { ptr, ptr, ptr, ptr, i64, i64, [16 x i8] }   ; kernel, buffers, dims, scratch, stride, tasks
%Worker = type { i64, i64, ptr, i64, [32 x i8] }             ; next task of its share, number, pool, pthread_t
%Pool   = type { i64, [56 x i8],                             ; 0 state
                 %Job,                                       ; 2 job
                 i32, i32, i32, i32,                         ; 3 busy, 4 owner (a pid), 5 sleepers, 6 caller sleeps
                 i32, i32, ptr, [32 x i8],                   ; 7 threads, 8 spins, 9 what calloc returned
                 [128 x i8], [128 x i8], [128 x i8],         ; 11 mutex, 12 condition "job", 13 condition "left"
                 [0 x %Worker] }                             ; 14 the caller's and the workers' shares

$pause_declaration
declare ptr @calloc($word, $word)
declare void @free(ptr)
declare i32 @getpid()
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_join($word, ptr)
declare i32 @pthread_attr_init(ptr)
declare i32 @pthread_attr_setstacksize(ptr, $word)
declare i32 @pthread_attr_destroy(ptr)
declare i32 @pthread_mutex_init(ptr, ptr)
declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_mutex_destroy(ptr)
declare i32 @pthread_cond_init(ptr, ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_signal(ptr)
declare i32 @pthread_cond_broadcast(ptr)
declare i32 @pthread_cond_destroy(ptr)
declare i32 @sigfillset(ptr)
declare i32 @pthread_sigmask(i32, ptr, ptr)
declare i32 @llvm.smin.i32(i32, i32)
$available_cpus
$float_mode
; A pool for this many threads, the caller among them; null (everything runs in the caller) when one is enough.
define ptr @graphc_pool_create(i32 %threads) {
  %several = icmp sgt i32 %threads, 1
  br i1 %several, label %allocate, label %none
allocate:
  %limited = call i32 @llvm.smin.i32(i32 %threads, i32 $max_threads)
  %end = getelementptr %Pool, ptr null, i32 0, i32 14, i32 %limited
  %size = ptrtoint ptr %end to $word
  %padded = add $word %size, 64
  %memory = call ptr @calloc($word 1, $word %padded)
  %failed = icmp eq ptr %memory, null
  br i1 %failed, label %none, label %align
align:
  %address = ptrtoint ptr %memory to $word
  %past = add $word %address, 63
  %aligned = and $word %past, -64
  %pool = inttoptr $word %aligned to ptr
  %threads.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 7
  store i32 %limited, ptr %threads.ptr
  %memory.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 9
  store ptr %memory, ptr %memory.ptr
  ret ptr %pool
none:
  ret ptr null
}

; End the workers and free the pool. No loop may be running on it.
define void @graphc_pool_destroy(ptr %pool) {
  %null = icmp eq ptr %pool, null
  br i1 %null, label %done, label %look
look:
  %owner.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 4
  %owner = load i32, ptr %owner.ptr
  %pid = call i32 @getpid()
  %ours = icmp eq i32 %owner, %pid
  br i1 %ours, label %stop, label %release      ; never started, or left behind by a fork: there is nobody to join
stop:
  %mutex = getelementptr %Pool, ptr %pool, i32 0, i32 11
  %job = getelementptr %Pool, ptr %pool, i32 0, i32 12
  %left = getelementptr %Pool, ptr %pool, i32 0, i32 13
  call i32 @pthread_mutex_lock(ptr %mutex)
  %before = atomicrmw or ptr %pool, i64 2 seq_cst
  call i32 @pthread_cond_broadcast(ptr %job)
  call i32 @pthread_mutex_unlock(ptr %mutex)
  %threads.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 7
  %threads = load i32, ptr %threads.ptr
  br label %next
next:
  %w = phi i32 [1, %stop], [%w.next, %join]
  %more = icmp slt i32 %w, %threads
  br i1 %more, label %join, label %joined
join:
  %handle.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 14, i32 %w, i32 3
  %handle = load $word, ptr %handle.ptr
  call i32 @pthread_join($word %handle, ptr null)
  %w.next = add i32 %w, 1
  br label %next
joined:
  call i32 @pthread_mutex_destroy(ptr %mutex)
  call i32 @pthread_cond_destroy(ptr %job)
  call i32 @pthread_cond_destroy(ptr %left)
  br label %release
release:
  %memory.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 9
  %memory = load ptr, ptr %memory.ptr
  call void @free(ptr %memory)
  br label %done
done:
  ret void
}

; Start the workers for the process %pid; false when another thread is just doing that.
; All state is written anew: after a fork it may have been copied in the middle of a job of the parent.
define internal i1 @start_workers(ptr %pool, i32 %pid) noinline {
entry:
  %attributes = alloca [128 x i8], align 64
  %all = alloca [128 x i8], align 64
  %saved = alloca [128 x i8], align 64
  %owner.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 4
  %owner = load atomic i32, ptr %owner.ptr monotonic, align 4
  %starting = icmp eq i32 %owner, -1
  br i1 %starting, label %no, label %claim
claim:
  %swap = cmpxchg ptr %owner.ptr, i32 %owner, i32 -1 acquire monotonic
  %claimed = extractvalue {i32, i1} %swap, 1
  br i1 %claimed, label %init, label %no
init:
  %busy = getelementptr %Pool, ptr %pool, i32 0, i32 3
  %sleepers = getelementptr %Pool, ptr %pool, i32 0, i32 5
  %caller.sleeps = getelementptr %Pool, ptr %pool, i32 0, i32 6
  %threads.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 7
  %spins.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 8
  %mutex = getelementptr %Pool, ptr %pool, i32 0, i32 11
  %job = getelementptr %Pool, ptr %pool, i32 0, i32 12
  %left = getelementptr %Pool, ptr %pool, i32 0, i32 13
  store i64 0, ptr %pool
  store i32 0, ptr %busy
  store i32 0, ptr %sleepers
  store i32 0, ptr %caller.sleeps
  call i32 @pthread_mutex_init(ptr %mutex, ptr null)
  call i32 @pthread_cond_init(ptr %job, ptr null)
  call i32 @pthread_cond_init(ptr %left, ptr null)
  ; With more threads than CPUs, whoever spins takes the CPU from the one it waits for.
  %threads = load i32, ptr %threads.ptr
  %cpus = call i32 @available_cpus()
  %fits = icmp sle i32 %threads, %cpus
  %spins = select i1 %fits, i32 $spins, i32 0
  store i32 %spins, ptr %spins.ptr
  ; Workers inherit a mask that blocks every signal: handlers run in the program's own threads.
  call i32 @sigfillset(ptr %all)
  call i32 @pthread_sigmask(i32 $sig_setmask, ptr %all, ptr %saved)
  call i32 @pthread_attr_init(ptr %attributes)
  call i32 @pthread_attr_setstacksize(ptr %attributes, $word $stack)
  br label %next
next:
  %w = phi i32 [1, %init], [%w.next, %created]
  %more = icmp slt i32 %w, %threads
  br i1 %more, label %create, label %started
create:
  %worker = getelementptr %Pool, ptr %pool, i32 0, i32 14, i32 %w
  %number.ptr = getelementptr %Worker, ptr %worker, i32 0, i32 1
  %number = sext i32 %w to i64
  store i64 %number, ptr %number.ptr
  %pool.ptr = getelementptr %Worker, ptr %worker, i32 0, i32 2
  store ptr %pool, ptr %pool.ptr
  %handle.ptr = getelementptr %Worker, ptr %worker, i32 0, i32 3
  %error = call i32 @pthread_create(ptr %handle.ptr, ptr %attributes, ptr @worker_main, ptr %worker)
  %ok = icmp eq i32 %error, 0
  br i1 %ok, label %created, label %started
created:
  %w.next = add i32 %w, 1
  br label %next
started:
  ; As many as the system allowed. With none the pool is serial from now on.
  store i32 %w, ptr %threads.ptr
  call i32 @pthread_attr_destroy(ptr %attributes)
  call i32 @pthread_sigmask(i32 $sig_setmask, ptr %saved, ptr null)
  store atomic i32 %pid, ptr %owner.ptr release, align 4
  ret i1 true
no:
  ret i1 false
}

define internal ptr @worker_main(ptr %worker) {
entry:
  %number.ptr = getelementptr %Worker, ptr %worker, i32 0, i32 1
  %number = load i64, ptr %number.ptr
  %pool.ptr = getelementptr %Worker, ptr %worker, i32 0, i32 2
  %pool = load ptr, ptr %pool.ptr
  %mutex = getelementptr %Pool, ptr %pool, i32 0, i32 11
  %left = getelementptr %Pool, ptr %pool, i32 0, i32 13
  %caller.sleeps = getelementptr %Pool, ptr %pool, i32 0, i32 6
  call void @set_float_mode()
  br label %wait
wait:
  %seen = phi i64 [0, %entry], [%seen, %join], [%job, %work], [%job, %last], [%job, %signal]
  %state = call i64 @await_job(ptr %pool, i64 %seen)
  %stop.bit = and i64 %state, 2
  %stop = icmp ne i64 %stop.bit, 0
  br i1 %stop, label %end, label %join
join:
  %joined = add i64 %state, 4
  %swap = cmpxchg ptr %pool, i64 %state, i64 %joined acquire monotonic
  %success = extractvalue {i64, i1} %swap, 1
  br i1 %success, label %work, label %wait
work:
  %job = lshr i64 %state, 16
  call void @run_shares(ptr %pool, i64 %number)
  %before = atomicrmw sub ptr %pool, i64 4 seq_cst
  %flags = and i64 %before, 65535
  %is.last = icmp eq i64 %flags, 4               ; closed, and nobody else is in it
  br i1 %is.last, label %last, label %wait
last:
  %sleeps = load atomic i32, ptr %caller.sleeps seq_cst, align 4
  %asleep = icmp ne i32 %sleeps, 0
  br i1 %asleep, label %signal, label %wait
signal:
  call i32 @pthread_mutex_lock(ptr %mutex)
  call i32 @pthread_cond_signal(ptr %left)
  call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %wait
end:
  ret ptr null
}

; The state word once it says stop, or shows an open job with another number than %seen.
; Sleeping: this worker first counts itself among the sleepers, then looks once more; the caller first opens the job,
; then looks for sleepers. In one order of all these accesses (seq_cst) at least one of the two sees the other.
define internal i64 @await_job(ptr %pool, i64 %seen) {
entry:
  %mutex = getelementptr %Pool, ptr %pool, i32 0, i32 11
  %job = getelementptr %Pool, ptr %pool, i32 0, i32 12
  %sleepers = getelementptr %Pool, ptr %pool, i32 0, i32 5
  %spins.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 8
  %spins = load i32, ptr %spins.ptr
  br label %spin
spin:
  %i = phi i32 [0, %entry], [%i.next, %rest]
  %state = load atomic i64, ptr %pool acquire, align 8
  %ready = call i1 @is_ready(i64 %state, i64 %seen)
  br i1 %ready, label %found, label %rest
rest:
  $pause
  %i.next = add i32 %i, 1
  %again = icmp slt i32 %i.next, %spins
  br i1 %again, label %spin, label %sleep
found:
  ret i64 %state
sleep:
  call i32 @pthread_mutex_lock(ptr %mutex)
  %up = atomicrmw add ptr %sleepers, i32 1 seq_cst
  br label %look
look:
  %state.now = load atomic i64, ptr %pool seq_cst, align 8
  %ready.now = call i1 @is_ready(i64 %state.now, i64 %seen)
  br i1 %ready.now, label %awake, label %wait
wait:
  call i32 @pthread_cond_wait(ptr %job, ptr %mutex)
  br label %look
awake:
  %down = atomicrmw sub ptr %sleepers, i32 1 seq_cst
  call i32 @pthread_mutex_unlock(ptr %mutex)
  ret i64 %state.now
}

define internal i1 @is_ready(i64 %state, i64 %seen) alwaysinline {
  %open = trunc i64 %state to i1
  %number = lshr i64 %state, 16
  %new = icmp ne i64 %number, %seen
  %open.new = and i1 %open, %new
  %stop.bit = and i64 %state, 2
  %stop = icmp ne i64 %stop.bit, 0
  %ready = or i1 %open.new, %stop
  ret i1 %ready
}

; Run what is left of the shares of all workers, beginning with the share of worker %self.
define internal void @run_shares(ptr %pool, i64 %self) {
entry:
  %kernel.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 2, i32 0
  %buffers.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 2, i32 1
  %dims.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 2, i32 2
  %scratch.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 2, i32 3
  %stride.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 2, i32 4
  %tasks.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 2, i32 5
  %threads.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 7
  %kernel = load ptr, ptr %kernel.ptr
  %buffers = load ptr, ptr %buffers.ptr
  %dims = load ptr, ptr %dims.ptr
  %scratch.all = load ptr, ptr %scratch.ptr
  %stride = load i64, ptr %stride.ptr
  %tasks = load i64, ptr %tasks.ptr
  %threads32 = load i32, ptr %threads.ptr
  %threads = sext i32 %threads32 to i64
  %offset = mul i64 %self, %stride
  %scratch = getelementptr i8, ptr %scratch.all, i64 %offset
  br label %share
share:
  %tried = phi i64 [0, %entry], [%tried.next, %empty]
  %owner = phi i64 [%self, %entry], [%owner.next, %empty]
  %next.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 14, i64 %owner, i32 0
  %owner.after = add i64 %owner, 1
  %end = call i64 @share_begin(i64 %owner.after, i64 %tasks, i64 %threads)
  %first = load atomic i64, ptr %next.ptr monotonic, align 8
  br label %grab
grab:
  %begin = phi i64 [%first, %share], [%current, %take], [%following, %run]
  %left = sub i64 %end, %begin
  %some = icmp sgt i64 %left, 0
  br i1 %some, label %take, label %empty
take:
  %left.up = add i64 %left, 1
  %half = lshr i64 %left.up, 1
  %until = add i64 %begin, %half
  %swap = cmpxchg ptr %next.ptr, i64 %begin, i64 %until monotonic monotonic
  %current = extractvalue {i64, i1} %swap, 0
  %mine = extractvalue {i64, i1} %swap, 1
  br i1 %mine, label %run, label %grab
run:
  call void %kernel(ptr %buffers, ptr %dims, ptr %scratch, i64 %begin, i64 %until)
  %following = load atomic i64, ptr %next.ptr monotonic, align 8
  br label %grab
empty:
  %wraps = icmp eq i64 %owner.after, %threads
  %owner.next = select i1 %wraps, i64 0, i64 %owner.after
  %tried.next = add i64 %tried, 1
  %more = icmp slt i64 %tried.next, %threads
  br i1 %more, label %share, label %done
done:
  ret void
}

; Where the share of worker %w begins: floor(tasks / threads) * w + min(w, tasks mod threads), which cannot overflow.
define internal i64 @share_begin(i64 %w, i64 %tasks, i64 %threads) alwaysinline {
  %each = udiv i64 %tasks, %threads
  %covered = mul i64 %each, %threads
  %rest = sub i64 %tasks, %covered
  %base = mul i64 %each, %w
  %fewer = icmp ult i64 %w, %rest
  %extra = select i1 %fewer, i64 %w, i64 %rest
  %begin = add i64 %base, %extra
  ret i64 %begin
}

define void @graphc_parallel_for(ptr %pool, ptr %kernel, ptr %buffers, ptr %dims, ptr %scratch, i64 %stride,
                                 i64 %tasks) {
entry:
  %no.pool = icmp eq ptr %pool, null
  %one.task = icmp sle i64 %tasks, 1
  %trivial = or i1 %no.pool, %one.task
  br i1 %trivial, label %serial, label %check.owner
check.owner:
  %owner.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 4
  %owner = load atomic i32, ptr %owner.ptr acquire, align 4
  %pid = call i32 @getpid()
  %ours = icmp eq i32 %owner, %pid
  br i1 %ours, label %check.threads, label %start
start:
  %started = call i1 @start_workers(ptr %pool, i32 %pid)
  br i1 %started, label %check.threads, label %serial
check.threads:
  %threads.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 7
  %threads32 = load i32, ptr %threads.ptr
  %threads = sext i32 %threads32 to i64
  %several = icmp sgt i32 %threads32, 1
  br i1 %several, label %lock, label %serial
lock:
  %busy = getelementptr %Pool, ptr %pool, i32 0, i32 3
  %swap = cmpxchg ptr %busy, i32 0, i32 1 acquire monotonic
  %locked = extractvalue {i32, i1} %swap, 1
  br i1 %locked, label %describe, label %serial
serial:
  tail call void %kernel(ptr %buffers, ptr %dims, ptr %scratch, i64 0, i64 %tasks)
  ret void

describe:
  %job.kernel = getelementptr %Pool, ptr %pool, i32 0, i32 2, i32 0
  %job.buffers = getelementptr %Pool, ptr %pool, i32 0, i32 2, i32 1
  %job.dims = getelementptr %Pool, ptr %pool, i32 0, i32 2, i32 2
  %job.scratch = getelementptr %Pool, ptr %pool, i32 0, i32 2, i32 3
  %job.stride = getelementptr %Pool, ptr %pool, i32 0, i32 2, i32 4
  %job.tasks = getelementptr %Pool, ptr %pool, i32 0, i32 2, i32 5
  store ptr %kernel, ptr %job.kernel
  store ptr %buffers, ptr %job.buffers
  store ptr %dims, ptr %job.dims
  store ptr %scratch, ptr %job.scratch
  store i64 %stride, ptr %job.stride
  store i64 %tasks, ptr %job.tasks
  br label %share
share:
  %w = phi i64 [0, %describe], [%w.next, %share]
  %next.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 14, i64 %w, i32 0
  %begin = call i64 @share_begin(i64 %w, i64 %tasks, i64 %threads)
  store atomic i64 %begin, ptr %next.ptr monotonic, align 8
  %w.next = add i64 %w, 1
  %more.shares = icmp slt i64 %w.next, %threads
  br i1 %more.shares, label %share, label %open

open:
  %closed = load atomic i64, ptr %pool monotonic, align 8
  %number = lshr i64 %closed, 16
  %number.next = add i64 %number, 1
  %shifted = shl i64 %number.next, 16
  %opened = or i64 %shifted, 1
  store atomic i64 %opened, ptr %pool seq_cst, align 8
  call void @wake_sleepers(ptr %pool, i64 %tasks)
  call void @run_shares(ptr %pool, i64 0)
  %before = atomicrmw and ptr %pool, i64 -2 seq_cst
  %joined = and i64 %before, 65532
  %alone = icmp eq i64 %joined, 0
  br i1 %alone, label %unlock, label %others
others:
  call void @await_left(ptr %pool)
  br label %unlock
unlock:
  store atomic i32 0, ptr %busy release, align 4
  ret void
}

; Wake as many sleeping workers as there are tasks besides the caller's first.
define internal void @wake_sleepers(ptr %pool, i64 %tasks) {
entry:
  %sleepers.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 5
  %sleepers = load atomic i32, ptr %sleepers.ptr seq_cst, align 4
  %none = icmp eq i32 %sleepers, 0
  br i1 %none, label %done, label %lock
lock:
  %mutex = getelementptr %Pool, ptr %pool, i32 0, i32 11
  %job = getelementptr %Pool, ptr %pool, i32 0, i32 12
  call i32 @pthread_mutex_lock(ptr %mutex)
  %wide = sext i32 %sleepers to i64
  %enough = icmp sgt i64 %tasks, %wide
  br i1 %enough, label %all, label %one
all:
  call i32 @pthread_cond_broadcast(ptr %job)
  br label %unlock
one:
  %woken = phi i64 [1, %lock], [%woken.next, %one]     ; the caller counts as the first
  call i32 @pthread_cond_signal(ptr %job)
  %woken.next = add i64 %woken, 1
  %more = icmp slt i64 %woken.next, %tasks
  br i1 %more, label %one, label %unlock
unlock:
  call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %done
done:
  ret void
}

; Wait until every worker that joined the closed job has left it. The two steps of await_job, the other way round.
define internal void @await_left(ptr %pool) {
entry:
  %mutex = getelementptr %Pool, ptr %pool, i32 0, i32 11
  %left = getelementptr %Pool, ptr %pool, i32 0, i32 13
  %caller.sleeps = getelementptr %Pool, ptr %pool, i32 0, i32 6
  %spins.ptr = getelementptr %Pool, ptr %pool, i32 0, i32 8
  %spins = load i32, ptr %spins.ptr
  br label %spin
spin:
  %i = phi i32 [0, %entry], [%i.next, %rest]
  %state = load atomic i64, ptr %pool acquire, align 8
  %joined = and i64 %state, 65532
  %empty = icmp eq i64 %joined, 0
  br i1 %empty, label %done, label %rest
rest:
  $pause
  %i.next = add i32 %i, 1
  %again = icmp slt i32 %i.next, %spins
  br i1 %again, label %spin, label %sleep
sleep:
  call i32 @pthread_mutex_lock(ptr %mutex)
  store atomic i32 1, ptr %caller.sleeps seq_cst, align 4
  br label %look
look:
  %state.now = load atomic i64, ptr %pool seq_cst, align 8
  %joined.now = and i64 %state.now, 65532
  %empty.now = icmp eq i64 %joined.now, 0
  br i1 %empty.now, label %awake, label %wait
wait:
  call i32 @pthread_cond_wait(ptr %left, ptr %mutex)
  br label %look
awake:
  store atomic i32 0, ptr %caller.sleeps seq_cst, align 4
  call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %done
done:
  ret void
}
