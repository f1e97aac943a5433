; The text of gate.py, which fills in what begins with a dollar sign.
;
; Words of a session: acquire 0, release 1, ways 2, NotImplemented 3, None 4, dict 5, list 6, tuple 7, open 8.
; Words of a way: job 0, busy 1, refuse 2, shape 3, how many places 4, places from five on.

target triple = "$triple"

declare ptr @PyLong_AsVoidPtr(ptr)
declare ptr @PyTuple_New(i64)
declare i32 @PyTuple_SetItem(ptr, i64, ptr)
declare ptr @PyTuple_GetItem(ptr, i64)
declare i64 @PyTuple_Size(ptr)
declare ptr @PySequence_Tuple(ptr)
declare ptr @PyList_New(i64)
declare i32 @PyList_SetItem(ptr, i64, ptr)
declare ptr @PyList_AsTuple(ptr)
declare i64 @PyDict_Size(ptr)
declare i32 @PyDict_Next(ptr, ptr, ptr, ptr)
declare ptr @PyDict_GetItemWithError(ptr, ptr)
declare ptr @PyObject_CallNoArgs(ptr)
declare ptr @PyObject_CallFunctionObjArgs(ptr, ...)
declare void @PyErr_Fetch(ptr, ptr, ptr)
declare void @PyErr_Restore(ptr, ptr, ptr)
declare void @PyErr_Clear()
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)

define internal ptr @word(ptr %words, i64 %number) alwaysinline {
  %at = getelementptr ptr, ptr %words, i64 %number
  %value = load ptr, ptr %at
  ret ptr %value
}

; fetches as they stand in the key: of a list or tuple, a new tuple of its type and its items; null where that fails
define internal ptr @asked(ptr %session, ptr %fetches) {
entry:
  %kind = call ptr @word(ptr %fetches, i64 1)
  %list = call ptr @word(ptr %session, i64 6)
  %tuple = call ptr @word(ptr %session, i64 7)
  %is.list = icmp eq ptr %kind, %list
  %is.tuple = icmp eq ptr %kind, %tuple
  %is.several = or i1 %is.list, %is.tuple
  br i1 %is.several, label %several, label %single
single:
  call void @Py_IncRef(ptr %fetches)
  ret ptr %fetches
several:
  %parts = call ptr @PySequence_Tuple(ptr %fetches)
  %parts.fail = icmp eq ptr %parts, null
  br i1 %parts.fail, label %failed, label %typed
typed:
  %count = call i64 @PyTuple_Size(ptr %parts)
  %more = add i64 %count, 1
  %made = call ptr @PyTuple_New(i64 %more)
  %made.fails = icmp eq ptr %made, null
  br i1 %made.fails, label %drop, label %first
first:
  call void @Py_IncRef(ptr %kind)
  %set.kind = call i32 @PyTuple_SetItem(ptr %made, i64 0, ptr %kind)
  br label %test
test:                                        ; for each part
  %n = phi i64 [0, %first], [%n.next, %copy]
  %left = icmp slt i64 %n, %count
  br i1 %left, label %copy, label %done
copy:
  %part = call ptr @PyTuple_GetItem(ptr %parts, i64 %n)
  call void @Py_IncRef(ptr %part)
  %n.next = add i64 %n, 1
  %set = call i32 @PyTuple_SetItem(ptr %made, i64 %n.next, ptr %part)
  br label %test
done:
  call void @Py_DecRef(ptr %parts)
  ret ptr %made
drop:
  call void @Py_DecRef(ptr %parts)
  br label %failed
failed:
  ret ptr null
}

; results as they were asked for; takes the tuple of results over
define internal ptr @given(ptr %session, ptr %way, ptr %results) {
entry:
  %none = call ptr @word(ptr %session, i64 4)
  %shape = call ptr @word(ptr %way, i64 3)
  %places = getelementptr i64, ptr %way, i64 $head
  %is.one = icmp eq ptr %shape, null
  br i1 %is.one, label %one, label %several
one:
  %only = call ptr @item(ptr %none, ptr %results, ptr %places)
  call void @Py_DecRef(ptr %results)
  ret ptr %only
several:
  %count.at = getelementptr i64, ptr %way, i64 4
  %count = load i64, ptr %count.at
  %list = call ptr @PyList_New(i64 %count)
  %list.fails = icmp eq ptr %list, null
  br i1 %list.fails, label %end, label %test
test:                                        ; for each place
  %n = phi i64 [0, %several], [%n.next, %take]
  %left = icmp slt i64 %n, %count
  br i1 %left, label %take, label %filled
take:
  %place.at = getelementptr i64, ptr %places, i64 %n
  %each = call ptr @item(ptr %none, ptr %results, ptr %place.at)
  %set = call i32 @PyList_SetItem(ptr %list, i64 %n, ptr %each)
  %n.next = add i64 %n, 1
  br label %test
filled:
  %is.list = icmp eq ptr %shape, inttoptr (i64 1 to ptr)
  br i1 %is.list, label %end, label %tuple
tuple:
  %made = call ptr @PyList_AsTuple(ptr %list)
  call void @Py_DecRef(ptr %list)
  br label %end
end:
  %result = phi ptr [null, %several], [%list, %filled], [%made, %tuple]
  call void @Py_DecRef(ptr %results)
  ret ptr %result
}

; one result, or None for an operation, as a new reference
define internal ptr @item(ptr %none, ptr %results, ptr %place.at) {
entry:
  %place = load i64, ptr %place.at
  %is.operation = icmp slt i64 %place, 0
  br i1 %is.operation, label %end, label %result
result:
  %found = call ptr @PyTuple_GetItem(ptr %results, i64 %place)
  br label %end
end:
  %item = phi ptr [%none, %entry], [%found, %result]
  call void @Py_IncRef(ptr %item)
  ret ptr %item
}

; gives the session's lock back, whatever error there is
define internal void @leave(ptr %session) {
  %error = alloca ptr, i64 3
  %error.1 = getelementptr ptr, ptr %error, i64 1
  %error.2 = getelementptr ptr, ptr %error, i64 2
  call void @PyErr_Fetch(ptr %error, ptr %error.1, ptr %error.2)
  %release = call ptr @word(ptr %session, i64 1)
  %released = call ptr @PyObject_CallNoArgs(ptr %release)
  call void @Py_DecRef(ptr %released)
  %kind = load ptr, ptr %error
  %value = load ptr, ptr %error.1
  %trace = load ptr, ptr %error.2
  call void @PyErr_Restore(ptr %kind, ptr %value, ptr %trace)
  ret void
}

; a run by the way that the session knows under the key; NotImplemented where it knows none, or the step will not run
define internal ptr @pass(ptr %session, ptr %key, ptr %values) {
entry:                                       ; the lock first, for whoever holds it may make all ways void
  %acquire = call ptr @word(ptr %session, i64 0)
  %acquired = call ptr @PyObject_CallNoArgs(ptr %acquire)
  call void @Py_DecRef(ptr %acquired)
  %is.interrupted = icmp eq ptr %acquired, null
  br i1 %is.interrupted, label %end, label %look
look:
  %ways = call ptr @word(ptr %session, i64 2)
  %found = call ptr @PyDict_GetItemWithError(ptr %ways, ptr %key)
  %is.new = icmp eq ptr %found, null
  br i1 %is.new, label %turn.back, label %known
turn.back:                                   ; some keys cannot be looked up
  call void @PyErr_Clear()
  call void @leave(ptr %session)
  br label %unserved
known:
  call void @Py_IncRef(ptr %found)           ; what interrupts the run may make it void
  %way.number = call ptr @PyTuple_GetItem(ptr %found, i64 0)
  %way = call ptr @PyLong_AsVoidPtr(ptr %way.number)
  %busy.at = call ptr @word(ptr %way, i64 1)
  %busy = load i64, ptr %busy.at
  %is.busy = icmp ne i64 %busy, 0
  br i1 %is.busy, label %turn.back.found, label %run
run:
  store i64 1, ptr %busy.at
  %job = call ptr @word(ptr %way, i64 0)
  %open = call ptr @word(ptr %session, i64 8)
  %items = getelementptr i8, ptr %values, i64 $items
  %count = call i64 @PyTuple_Size(ptr %values)
  %made = call ptr %open(ptr %job, ptr %items, i64 %count)
  %fails = icmp eq ptr %made, null
  br i1 %fails, label %stop, label %check
check:
  %none = call ptr @word(ptr %session, i64 4)
  %tuple = call ptr @word(ptr %session, i64 7)
  %made.type = call ptr @word(ptr %made, i64 1)
  %is.made = icmp eq ptr %made.type, %tuple
  br i1 %is.made, label %serve, label %refused
refused:
  %is.other = icmp eq ptr %made, %none
  br i1 %is.other, label %drop.made, label %explain
drop.made:
  call void @Py_DecRef(ptr %made)
  br label %stop
stop:                                        ; the careful way says what is wrong
  store i64 0, ptr %busy.at
  br label %turn.back.found
turn.back.found:
  call void @PyErr_Clear()
  call void @leave(ptr %session)
  call void @Py_DecRef(ptr %found)
  br label %unserved
explain:
  %refuse = call ptr @word(ptr %way, i64 2)
  %never = call ptr (ptr, ...) @PyObject_CallFunctionObjArgs(ptr %refuse, ptr %made, ptr %values, ptr null)
  call void @Py_DecRef(ptr %made)
  store i64 0, ptr %busy.at
  call void @leave(ptr %session)
  call void @Py_DecRef(ptr %found)
  br label %end
serve:
  store i64 0, ptr %busy.at
  call void @leave(ptr %session)
  %given = call ptr @given(ptr %session, ptr %way, ptr %made)
  call void @Py_DecRef(ptr %found)
  br label %end

unserved:
  %other = call ptr @word(ptr %session, i64 3)
  call void @Py_IncRef(ptr %other)
  br label %end
end:
  %result = phi ptr [null, %entry], [null, %explain], [%given, %serve], [%other, %unserved]
  ret ptr %result
}

define ptr @graphc_serve(ptr %self, ptr %args, i64 %argument.count) {
  %session = call ptr @PyLong_AsVoidPtr(ptr %self)
  %key = call ptr @word(ptr %args, i64 0)
  %values = call ptr @word(ptr %args, i64 1)
  %result = call ptr @pass(ptr %session, ptr %key, ptr %values)
  ret ptr %result
}

define ptr @graphc_enter(ptr %self, ptr %args, i64 %argument.count) {
entry:
  %at = alloca i64                           ; where PyDict_Next is
  %feed.key = alloca ptr
  %feed.value = alloca ptr
  %session = call ptr @PyLong_AsVoidPtr(ptr %self)
  %none = call ptr @word(ptr %session, i64 4)
  %fetches = call ptr @word(ptr %args, i64 0)
  %feeds = call ptr @word(ptr %args, i64 1)
  %is.fed = icmp ne ptr %feeds, %none
  br i1 %is.fed, label %fed, label %ask
fed:
  %dict = call ptr @word(ptr %session, i64 5)
  %feeds.type = call ptr @word(ptr %feeds, i64 1)
  %is.dict = icmp eq ptr %feeds.type, %dict
  br i1 %is.dict, label %sized, label %unknown
sized:
  %size = call i64 @PyDict_Size(ptr %feeds)
  %is.few = icmp slt i64 %size, $most
  br i1 %is.few, label %ask, label %unknown

ask:                                         ; the key, and the values that are fed
  %count = phi i64 [0, %entry], [%size, %sized]
  %asked = call ptr @asked(ptr %session, ptr %fetches)
  %asked.fails = icmp eq ptr %asked, null
  br i1 %asked.fails, label %unserved, label %make.key
make.key:
  %count.more = add i64 %count, 1
  %key = call ptr @PyTuple_New(i64 %count.more)
  %values = call ptr @PyTuple_New(i64 %count)
  %key.fails = icmp eq ptr %key, null
  %values.fail = icmp eq ptr %values, null
  %any.fails = or i1 %key.fails, %values.fail
  br i1 %any.fails, label %drop.asked, label %fill
drop.asked:
  call void @Py_DecRef(ptr %asked)
  br label %unserved
fill:
  %set.asked = call i32 @PyTuple_SetItem(ptr %key, i64 0, ptr %asked)
  store i64 0, ptr %at
  br label %fill.test
fill.test:                                   ; for each feed
  %n = phi i64 [0, %fill], [%n.next, %fill.pair]
  %left = icmp slt i64 %n, %count
  br i1 %left, label %fill.next, label %filled
fill.next:                                   ; a finalizer may have changed the dictionary while tuples were made
  %found.one = call i32 @PyDict_Next(ptr %feeds, ptr %at, ptr %feed.key, ptr %feed.value)
  %is.there = icmp ne i32 %found.one, 0
  br i1 %is.there, label %fill.pair, label %unserved
fill.pair:
  %one.key = load ptr, ptr %feed.key
  %one.value = load ptr, ptr %feed.value
  call void @Py_IncRef(ptr %one.key)
  call void @Py_IncRef(ptr %one.value)
  %set.value = call i32 @PyTuple_SetItem(ptr %values, i64 %n, ptr %one.value)
  %n.next = add i64 %n, 1
  %set.key = call i32 @PyTuple_SetItem(ptr %key, i64 %n.next, ptr %one.key)
  br label %fill.test

filled:
  %result = call ptr @pass(ptr %session, ptr %key, ptr %values)
  call void @Py_DecRef(ptr %key)
  call void @Py_DecRef(ptr %values)
  ret ptr %result

unserved:
  %key.unserved = phi ptr [null, %ask], [%key, %drop.asked], [%key, %fill.next]
  %values.unserved = phi ptr [null, %ask], [%values, %drop.asked], [%values, %fill.next]
  call void @PyErr_Clear()
  call void @Py_DecRef(ptr %key.unserved)
  call void @Py_DecRef(ptr %values.unserved)
  br label %unknown
unknown:
  %other = call ptr @word(ptr %session, i64 3)
  call void @Py_IncRef(ptr %other)
  ret ptr %other
}
