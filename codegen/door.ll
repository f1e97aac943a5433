; The text of door.py, which fills in what begins with a dollar sign.
; Fields of an array object: type 8, data 16, rank 24, sizes 32, dtype 56, flags 64.

target triple = "$triple"

declare ptr @PyLong_AsVoidPtr(ptr)
declare ptr @PyLong_FromLong(i64)
declare double @PyLong_AsDouble(ptr)
declare double @PyFloat_AsDouble(ptr)
declare ptr @PyErr_Occurred()
declare void @PyErr_Clear()
declare ptr @PyTuple_New(i64)
declare i32 @PyTuple_SetItem(ptr, i64, ptr)
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare ptr @PyArray_NewFromDescr(ptr, ptr, i32, ptr, ptr, ptr, i32, ptr)
declare ptr @PyArray_Scalar(ptr, ptr, ptr)
declare i32 @PyArray_SetBaseObject(ptr, ptr)

define ptr @graphc_door(ptr %self, ptr %args, i64 %count) {
  %job = call ptr @PyLong_AsVoidPtr(ptr %self)
  %result = call ptr @graphc_open(ptr %job, ptr %args, i64 %count)
  ret ptr %result
}

define ptr @graphc_open(ptr %job, ptr %args, i64 %count) {
entry:
  %feeds.at = getelementptr i64, ptr %job, i64 2
  %feeds = load i64, ptr %feeds.at
  %fetches.at = getelementptr i64, ptr %job, i64 3
  %fetches = load i64, ptr %fetches.at
  %array.at = getelementptr i64, ptr %job, i64 4
  %array = load ptr, ptr %array.at
  %first = getelementptr i64, ptr %job, i64 $head
  %mades = alloca ptr, i64 %fetches          ; the arrays for results; null for numbers
  %as.many = icmp eq i64 %count, %feeds
  br i1 %as.many, label %feed.test, label %other

feed.test:                                   ; for each feed
  %n = phi i64 [0, %entry], [%n.next, %feed.done]
  %feed = phi ptr [%first, %entry], [%feed.next, %feed.done]
  %more = icmp slt i64 %n, %feeds
  br i1 %more, label %feed.type, label %fetch.test
feed.type:
  %arg.at = getelementptr ptr, ptr %args, i64 %n
  %arg = load ptr, ptr %arg.at
  %type.at = getelementptr i8, ptr %arg, i64 8
  %type = load ptr, ptr %type.at
  %is.array = icmp eq ptr %type, %array
  br i1 %is.array, label %feed.fields, label %feed.number
feed.number:                                 ; NumPy's number of this type, or a plain one
  %cell.at = getelementptr i64, ptr %feed, i64 5
  %cell = load ptr, ptr %cell.at
  %number.type.at = getelementptr i64, ptr %feed, i64 4
  %number.type = load ptr, ptr %number.type.at
  %takes.none = icmp eq ptr %number.type, null
  br i1 %takes.none, label %other, label %number.same
number.same:
  %is.same = icmp eq ptr %type, %number.type
  br i1 %is.same, label %number.copy, label %number.float
number.copy:
  %value.at = getelementptr i8, ptr %arg, i64 $number
  %value.bits = load i64, ptr %value.at
  store i64 %value.bits, ptr %cell
  br label %feed.done
number.float:
  %float.at = getelementptr i64, ptr %job, i64 7
  %float = load ptr, ptr %float.at
  %float64.at = getelementptr i64, ptr %job, i64 9
  %float64 = load ptr, ptr %float64.at       ; NumPy's, which is a float too
  %is.plain = icmp eq ptr %type, %float
  %is.numpys = icmp eq ptr %type, %float64
  %is.float = or i1 %is.plain, %is.numpys
  br i1 %is.float, label %number.of.float, label %number.int
number.of.float:
  %of.float = call double @PyFloat_AsDouble(ptr %arg)
  br label %number.range
number.int:
  %int.at = getelementptr i64, ptr %job, i64 8
  %int = load ptr, ptr %int.at
  %is.int = icmp eq ptr %type, %int
  br i1 %is.int, label %number.of.int, label %other
number.of.int:
  %of.int = call double @PyLong_AsDouble(ptr %arg)
  %error = call ptr @PyErr_Occurred()
  %fits = icmp eq ptr %error, null
  br i1 %fits, label %number.range, label %number.huge
number.huge:
  call void @PyErr_Clear()
  br label %other
number.range:
  %real = phi double [%of.float, %number.of.float], [%of.int, %number.of.int]
  %above = fcmp ogt double %real, -$exact
  %below = fcmp olt double %real, $exact
  %inside = and i1 %above, %below
  br i1 %inside, label %number.store, label %other
number.store:
  %long.at = getelementptr i64, ptr %feed, i64 6
  %long = load i64, ptr %long.at
  %is.long = icmp ne i64 %long, 0
  br i1 %is.long, label %number.long, label %number.short
number.long:
  store double %real, ptr %cell
  br label %feed.done
number.short:
  %short = fptrunc double %real to float
  store float %short, ptr %cell
  br label %feed.done
feed.fields:
  %dtype.at = getelementptr i8, ptr %arg, i64 56
  %dtype = load ptr, ptr %dtype.at
  %dtype.want.at = getelementptr i64, ptr %feed, i64 1
  %dtype.want = load ptr, ptr %dtype.want.at
  %dtype.fits = icmp eq ptr %dtype, %dtype.want
  %rank.at = getelementptr i8, ptr %arg, i64 24
  %rank.32 = load i32, ptr %rank.at
  %rank = sext i32 %rank.32 to i64
  %rank.want.at = getelementptr i64, ptr %feed, i64 2
  %rank.want = load i64, ptr %rank.want.at
  %rank.fits = icmp eq i64 %rank, %rank.want
  %flags.at = getelementptr i8, ptr %arg, i64 64
  %flags = load i32, ptr %flags.at
  %flags.plain = and i32 %flags, $plain
  %flags.fit = icmp eq i32 %flags.plain, $plain
  %two.fit = and i1 %dtype.fits, %rank.fits
  %all.fit = and i1 %two.fit, %flags.fit
  %sizes.at = getelementptr i8, ptr %arg, i64 32
  %sizes = load ptr, ptr %sizes.at
  %sizes.want.at = getelementptr i64, ptr %feed, i64 3
  %sizes.want = load ptr, ptr %sizes.want.at
  br i1 %all.fit, label %size.test, label %other
size.test:                                   ; for each axis
  %axis = phi i64 [0, %feed.fields], [%axis.next, %size.same]
  %axes.left = icmp slt i64 %axis, %rank
  br i1 %axes.left, label %size.compare, label %feed.data
size.compare:
  %size.at = getelementptr i64, ptr %sizes, i64 %axis
  %size = load i64, ptr %size.at
  %size.want.at = getelementptr i64, ptr %sizes.want, i64 %axis
  %size.want = load i64, ptr %size.want.at
  %size.fits = icmp eq i64 %size, %size.want
  br i1 %size.fits, label %size.same, label %other
size.same:
  %axis.next = add i64 %axis, 1
  br label %size.test
feed.data:
  %data.at = getelementptr i8, ptr %arg, i64 16
  %data = load ptr, ptr %data.at
  br label %feed.done
feed.done:
  %where = phi ptr [%data, %feed.data], [%cell, %number.copy], [%cell, %number.long], [%cell, %number.short]
  %word = load ptr, ptr %feed
  store ptr %where, ptr %word
  %n.next = add i64 %n, 1
  %feed.next = getelementptr i64, ptr %feed, i64 $feed
  br label %feed.test

fetch.test:                                  ; for each fetch
  %m = phi i64 [0, %feed.test], [%m.next, %fetch.done]
  %fetch = phi ptr [%feed, %feed.test], [%fetch.next, %fetch.done]
  %fetch.more = icmp slt i64 %m, %fetches
  br i1 %fetch.more, label %fetch.kind, label %run
fetch.kind:
  %fetch.cell.at = getelementptr i64, ptr %fetch, i64 5
  %fetch.cell = load ptr, ptr %fetch.cell.at
  %is.number = icmp ne ptr %fetch.cell, null
  br i1 %is.number, label %fetch.done, label %fetch.make
fetch.make:
  %made.dtype.at = getelementptr i64, ptr %fetch, i64 1
  %made.dtype = load ptr, ptr %made.dtype.at
  %made.rank.at = getelementptr i64, ptr %fetch, i64 2
  %made.rank.64 = load i64, ptr %made.rank.at
  %made.rank = trunc i64 %made.rank.64 to i32
  %made.sizes.at = getelementptr i64, ptr %fetch, i64 3
  %made.sizes = load ptr, ptr %made.sizes.at
  %room.at = getelementptr i64, ptr %fetch, i64 4
  %room = load i64, ptr %room.at
  call void @Py_IncRef(ptr %made.dtype)      ; the new array takes a reference over
  %is.small = icmp eq i64 %room, 0
  br i1 %is.small, label %fetch.small, label %fetch.large
fetch.small:
  %small = call ptr @PyArray_NewFromDescr(ptr %array, ptr %made.dtype, i32 %made.rank, ptr %made.sizes, ptr null,
                                          ptr null, i32 0, ptr null)
  %small.fails = icmp eq ptr %small, null
  br i1 %small.fails, label %drop, label %fetch.made
fetch.large:                                 ; a view, from a cache line on, of an array of bytes
  %byte.at = getelementptr i64, ptr %job, i64 6
  %byte = load ptr, ptr %byte.at
  call void @Py_IncRef(ptr %byte)
  %base = call ptr @PyArray_NewFromDescr(ptr %array, ptr %byte, i32 1, ptr %room.at, ptr null, ptr null, i32 0,
                                         ptr null)
  %base.fails = icmp eq ptr %base, null
  br i1 %base.fails, label %drop.dtype, label %fetch.align
fetch.align:
  %base.data.at = getelementptr i8, ptr %base, i64 16
  %base.data = load i64, ptr %base.data.at
  %beyond = add i64 %base.data, $before_line
  %line = and i64 %beyond, $line
  %line.at = inttoptr i64 %line to ptr
  %view = call ptr @PyArray_NewFromDescr(ptr %array, ptr %made.dtype, i32 %made.rank, ptr %made.sizes, ptr null,
                                         ptr %line.at, i32 $writable, ptr null)
  %view.fails = icmp eq ptr %view, null
  br i1 %view.fails, label %drop.base, label %fetch.base
fetch.base:                                  ; the view takes the reference to the bytes over
  %ignored = call i32 @PyArray_SetBaseObject(ptr %view, ptr %base)
  br label %fetch.made
fetch.made:
  %made = phi ptr [%small, %fetch.small], [%view, %fetch.base]
  %made.data.at = getelementptr i8, ptr %made, i64 16
  %made.data = load ptr, ptr %made.data.at
  br label %fetch.done
fetch.done:
  %kept = phi ptr [null, %fetch.kind], [%made, %fetch.made]
  %kept.data = phi ptr [%fetch.cell, %fetch.kind], [%made.data, %fetch.made]
  %kept.at = getelementptr ptr, ptr %mades, i64 %m
  store ptr %kept, ptr %kept.at
  %made.word = load ptr, ptr %fetch
  store ptr %kept.data, ptr %made.word
  %m.next = add i64 %m, 1
  %fetch.next = getelementptr i64, ptr %fetch, i64 $fetch
  br label %fetch.test

run:
  %step = load ptr, ptr %job
  %frame.at = getelementptr i64, ptr %job, i64 1
  %frame = load ptr, ptr %frame.at
  %thread = call ptr @PyEval_SaveThread()
  %status = call i64 %step(ptr %frame)
  call void @PyEval_RestoreThread(ptr %thread)
  %works = icmp eq i64 %status, 0
  br i1 %works, label %results, label %failed
results:
  %tuple = call ptr @PyTuple_New(i64 %fetches)
  %tuple.fails = icmp eq ptr %tuple, null
  br i1 %tuple.fails, label %late, label %result.test
result.test:                                 ; for each fetch
  %r = phi i64 [0, %results], [%r.next, %result.set]
  %result = phi ptr [%feed, %results], [%result.next, %result.set]
  %result.more = icmp slt i64 %r, %fetches
  br i1 %result.more, label %result.take, label %done
result.take:
  %result.at = getelementptr ptr, ptr %mades, i64 %r
  %array.made = load ptr, ptr %result.at
  store ptr null, ptr %result.at             ; the tuple takes the reference over
  %is.array.made = icmp ne ptr %array.made, null
  br i1 %is.array.made, label %result.set, label %result.number
result.number:
  %result.cell.at = getelementptr i64, ptr %result, i64 5
  %result.cell = load ptr, ptr %result.cell.at
  %result.dtype.at = getelementptr i64, ptr %result, i64 1
  %result.dtype = load ptr, ptr %result.dtype.at
  %number = call ptr @PyArray_Scalar(ptr %result.cell, ptr %result.dtype, ptr null)
  %number.fails = icmp eq ptr %number, null
  br i1 %number.fails, label %drop.tuple, label %result.set
result.set:
  %item = phi ptr [%array.made, %result.take], [%number, %result.number]
  %set = call i32 @PyTuple_SetItem(ptr %tuple, i64 %r, ptr %item)
  %r.next = add i64 %r, 1
  %result.next = getelementptr i64, ptr %result, i64 $fetch
  br label %result.test
done:
  ret ptr %tuple
failed:
  %code = call ptr @PyLong_FromLong(i64 %status)
  br label %drop

other:
  %none.at = getelementptr i64, ptr %job, i64 5
  %none = load ptr, ptr %none.at
  call void @Py_IncRef(ptr %none)
  ret ptr %none

drop.base:                                   ; NumPy has said that there is no memory, and dropped the dtype
  call void @Py_DecRef(ptr %base)
  br label %drop
drop.dtype:
  call void @Py_DecRef(ptr %made.dtype)
  br label %drop
drop.tuple:
  call void @Py_DecRef(ptr %tuple)
  br label %late
late:                                        ; there is no memory for what the step has computed: it must not run again
  call void @PyErr_Clear()
  %zero = call ptr @PyLong_FromLong(i64 0)
  br label %drop
drop:                                        ; the arrays made so far; Py_DecRef leaves null alone
  %answer = phi ptr [%code, %failed], [%zero, %late], [null, %drop.base], [null, %drop.dtype],
                    [null, %fetch.small]
  br label %drop.test
drop.test:
  %left = phi i64 [%m, %drop], [%left.next, %drop.one]
  %drop.more = icmp sgt i64 %left, 0
  br i1 %drop.more, label %drop.one, label %dropped
drop.one:
  %left.next = sub i64 %left, 1
  %unused.at = getelementptr ptr, ptr %mades, i64 %left.next
  %unused = load ptr, ptr %unused.at
  call void @Py_DecRef(ptr %unused)
  br label %drop.test
dropped:
  ret ptr %answer
}
