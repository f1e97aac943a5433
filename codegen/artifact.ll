; What every artifact has besides its entry points: the life of an instance, its state in a file, names of variables and
; texts of errors. artifact.py tells the layout of an instance and fills in names (written with $$ and braces) and numbers.

target triple = "${triple}"

@${name}.description = external constant [0 x i8]      ; JSON, ends with a zero; the state's layout is a part of it
@${name}.errors = external constant [0 x ptr]          ; texts by code
@${name}.variables = external constant [0 x {ptr, i64}] ; name and place in the instance of each variable
@${name}.magic = internal constant [16 x i8] c"graphc state 1\0A\00"
@${name}.part = internal constant [6 x i8] c".part\00"
@${name}.read = internal constant [3 x i8] c"rb\00"
@${name}.write = internal constant [3 x i8] c"wb\00"

declare i32 @${name}.initialise(ptr)
declare ptr @graphc_pool_create(i32)
declare void @graphc_pool_destroy(ptr)
declare ptr @calloc(${word}, ${word})
declare void @free(ptr)
declare ptr @memset(ptr, i32, ${word})
declare ptr @memcpy(ptr, ptr, ${word})
declare i32 @memcmp(ptr, ptr, ${word})
declare ${word} @strlen(ptr)
declare i32 @strcmp(ptr, ptr)
declare ptr @fopen(ptr, ptr)
declare i32 @fclose(ptr)
declare ${word} @fread(ptr, ${word}, ${word}, ptr)
declare ${word} @fwrite(ptr, ${word}, ${word}, ptr)
declare void @rewind(ptr)
declare i32 @rename(ptr, ptr)
declare i32 @remove(ptr)
declare i64 @llvm.umin.i64(i64, i64)

; ---- the life of an instance: word 0 is its thread pool, word 1 what ${name}_create allocated, word 2 the mark of one
; that is initialised

; An instance that is initialised begins anew: its pool ends, its memory stays its own.
define i32 @${name}_init(ptr %self) nounwind {
  %known = call i32 @${name}.check_instance(ptr %self)
  %pool.ptr = getelementptr i64, ptr %self, i64 0
  %owned.ptr = getelementptr i64, ptr %self, i64 1
  %mark.ptr = getelementptr i64, ptr %self, i64 2
  switch i32 %known, label %null [i32 0, label %again i32 ${not_initialised}, label %fresh]
again:
  %old.pool = load ptr, ptr %pool.ptr
  call void @graphc_pool_destroy(ptr %old.pool)
  %old.owned = load ptr, ptr %owned.ptr
  br label %fresh
fresh:
  %owned = phi ptr [%old.owned, %again], [null, %0]
  %cleared = call ptr @memset(ptr %self, i32 0, ${word} ${bytes})
  store ptr %owned, ptr %owned.ptr
  %pool = call ptr @graphc_pool_create(i32 ${threads})
  store ptr %pool, ptr %pool.ptr
  %status = call i32 @${name}.initialise(ptr %self)
  %good = icmp eq i32 %status, 0
  %mark = select i1 %good, i64 ${mark}, i64 0
  store i64 %mark, ptr %mark.ptr
  ret i32 %status
null:
  ret i32 ${null}
}

; 0 for an initialised instance, else the code that says what it is.
define i32 @${name}.check_instance(ptr %self) nounwind {
  %is.null = icmp eq ptr %self, null
  br i1 %is.null, label %null, label %look
look:
  %mark.ptr = getelementptr i64, ptr %self, i64 2
  %mark = load i64, ptr %mark.ptr
  %initialised = icmp eq i64 %mark, ${mark}
  %status = select i1 %initialised, i32 0, i32 ${not_initialised}
  ret i32 %status
null:
  ret i32 ${null}
}

; The same for an instance and a text that must be there too.
define internal i32 @${name}.check_both(ptr %self, ptr %text) nounwind {
  %status = call i32 @${name}.check_instance(ptr %self)
  %is.null = icmp eq ptr %text, null
  %result = select i1 %is.null, i32 ${null}, i32 %status
  ret i32 %result
}

define ptr @${name}_create() nounwind {
  %memory = call ptr @calloc(${word} 1, ${word} ${padded_bytes})
  %failed = icmp eq ptr %memory, null
  br i1 %failed, label %none, label %align
align:
  %address = ptrtoint ptr %memory to ${word}
  %past = add ${word} %address, 63
  %aligned = and ${word} %past, -64
  %self = inttoptr ${word} %aligned to ptr
  %status = call i32 @${name}_init(ptr %self)
  %owned = getelementptr i64, ptr %self, i64 1
  store ptr %memory, ptr %owned
  %good = icmp eq i32 %status, 0
  br i1 %good, label %done, label %give.up
give.up:
  call void @${name}_destroy(ptr %self)
  br label %none
none:
  ret ptr null
done:
  ret ptr %self
}

define void @${name}_destroy(ptr %self) nounwind {
  %null = icmp eq ptr %self, null
  br i1 %null, label %done, label %end
end:
  %pool = load ptr, ptr %self
  call void @graphc_pool_destroy(ptr %pool)
  store ptr null, ptr %self
  %owned = getelementptr i64, ptr %self, i64 1
  %memory = load ptr, ptr %owned
  store ptr null, ptr %owned
  %mark.ptr = getelementptr i64, ptr %self, i64 2
  store i64 0, ptr %mark.ptr
  call void @free(ptr %memory)
  br label %done
done:
  ret void
}

; ---- names and texts

define ptr @${name}_description() nounwind {
  ret ptr @${name}.description
}

define ptr @${name}_error(i32 %code) nounwind {
  %known = icmp ult i32 %code, ${error_count}
  %number = select i1 %known, i32 %code, i32 ${unknown_error}
  %place = getelementptr ptr, ptr @${name}.errors, i32 %number
  %text = load ptr, ptr %place
  ret ptr %text
}

define ptr @${name}_variable(ptr %self, ptr %wanted) nounwind {
entry:
  %status = call i32 @${name}.check_both(ptr %self, ptr %wanted)
  %is.null = icmp eq i32 %status, ${null}
  br i1 %is.null, label %none, label %look
look:
  %i = phi i32 [0, %entry], [%i.next, %next]
  %more = icmp ult i32 %i, ${variable_count}
  br i1 %more, label %compare, label %none
compare:
  %name.ptr = getelementptr {ptr, i64}, ptr @${name}.variables, i32 %i, i32 0
  %name = load ptr, ptr %name.ptr
  %different = call i32 @strcmp(ptr %name, ptr %wanted)
  %found = icmp eq i32 %different, 0
  br i1 %found, label %done, label %next
next:
  %i.next = add i32 %i, 1
  br label %look
done:
  %offset.ptr = getelementptr {ptr, i64}, ptr @${name}.variables, i32 %i, i32 1
  %offset = load i64, ptr %offset.ptr
  %place = getelementptr i8, ptr %self, i64 %offset
  ret ptr %place
none:
  ret ptr null
}

; ---- the state in a file: magic[16], bytes of the layout (i64), bytes of the state (i64), CRC-32 of both (i32), 0 (i32),
; then the layout as text, then the state as it is in memory

; The CRC-32 of zlib and PNG (polynomial 0xEDB88320), continued over more bytes; the table is made by @crc_table.
define internal i32 @${name}.crc(ptr %table, i32 %before, ptr %bytes, i64 %count) nounwind {
entry:
  %start = xor i32 %before, -1
  %empty = icmp eq i64 %count, 0
  br i1 %empty, label %done, label %loop
loop:
  %i = phi i64 [0, %entry], [%i.next, %loop]
  %crc = phi i32 [%start, %entry], [%crc.next, %loop]
  %byte.ptr = getelementptr i8, ptr %bytes, i64 %i
  %byte = load i8, ptr %byte.ptr
  %wide = zext i8 %byte to i32
  %mixed = xor i32 %crc, %wide
  %row = and i32 %mixed, 255
  %entry.ptr = getelementptr i32, ptr %table, i32 %row
  %known = load i32, ptr %entry.ptr
  %shifted = lshr i32 %crc, 8
  %crc.next = xor i32 %known, %shifted
  %i.next = add i64 %i, 1
  %more = icmp ult i64 %i.next, %count
  br i1 %more, label %loop, label %done
done:
  %last = phi i32 [%start, %entry], [%crc.next, %loop]
  %result = xor i32 %last, -1
  ret i32 %result
}

define internal void @${name}.crc_table(ptr %table) nounwind {
entry:
  br label %row
row:
  %i = phi i32 [0, %entry], [%i.next, %store]
  br label %bit
bit:
  %n = phi i32 [0, %row], [%n.next, %bit]
  %value = phi i32 [%i, %row], [%value.next, %bit]
  %odd = and i32 %value, 1
  %mask = sub i32 0, %odd
  %term = and i32 %mask, -306674912
  %half = lshr i32 %value, 1
  %value.next = xor i32 %half, %term
  %n.next = add i32 %n, 1
  %bits = icmp ult i32 %n.next, 8
  br i1 %bits, label %bit, label %store
store:
  %place = getelementptr i32, ptr %table, i32 %i
  store i32 %value.next, ptr %place
  %i.next = add i32 %i, 1
  %rows = icmp ult i32 %i.next, 256
  br i1 %rows, label %row, label %done
done:
  ret void
}

; The head of this artifact's state files, without the sum.
define internal void @${name}.head(ptr %head) nounwind {
  %copied = call ptr @memcpy(ptr %head, ptr @${name}.magic, ${word} 16)
  %layout.ptr = getelementptr i8, ptr %head, i32 16
  store i64 ${layout_bytes}, ptr %layout.ptr
  %state.ptr = getelementptr i8, ptr %head, i32 24
  store i64 ${state_bytes}, ptr %state.ptr
  %sum.ptr = getelementptr i8, ptr %head, i32 32
  store i64 0, ptr %sum.ptr
  ret void
}

; Whether all bytes were written.
define internal i1 @${name}.put(ptr %file, ptr %bytes, ${word} %count) nounwind {
  %done = call ${word} @fwrite(ptr %bytes, ${word} 1, ${word} %count, ptr %file)
  %all = icmp eq ${word} %done, %count
  ret i1 %all
}

; The new file grows beside the old one and takes its name when it is whole.
define i32 @${name}_save(ptr %self, ptr %path) nounwind {
  %table = alloca [256 x i32]
  %head = alloca [40 x i8], align 8
  %part = alloca [4096 x i8]
  %known = call i32 @${name}.check_both(ptr %self, ptr %path)
  %is.known = icmp eq i32 %known, 0
  br i1 %is.known, label %measure, label %unknown
measure:
  %length = call ${word} @strlen(ptr %path)
  %long = icmp ugt ${word} %length, 4000
  br i1 %long, label %bad.path, label %open
open:
  %copied = call ptr @memcpy(ptr %part, ptr %path, ${word} %length)
  %end = getelementptr i8, ptr %part, ${word} %length
  %suffixed = call ptr @memcpy(ptr %end, ptr @${name}.part, ${word} 6)
  %file = call ptr @fopen(ptr %part, ptr @${name}.write)
  %closed = icmp eq ptr %file, null
  br i1 %closed, label %bad.path, label %sum
sum:
  %layout = getelementptr i8, ptr @${name}.description, i64 ${layout_offset}
  %state = getelementptr i8, ptr %self, i64 ${state_offset}
  call void @${name}.crc_table(ptr %table)
  %crc.layout = call i32 @${name}.crc(ptr %table, i32 0, ptr %layout, i64 ${layout_bytes})
  %crc = call i32 @${name}.crc(ptr %table, i32 %crc.layout, ptr %state, i64 ${state_bytes})
  call void @${name}.head(ptr %head)
  %sum.ptr = getelementptr i8, ptr %head, i32 32
  store i32 %crc, ptr %sum.ptr
  %head.done = call i1 @${name}.put(ptr %file, ptr %head, ${word} 40)
  %layout.done = call i1 @${name}.put(ptr %file, ptr %layout, ${word} ${layout_bytes})
  %state.done = call i1 @${name}.put(ptr %file, ptr %state, ${word} ${state_bytes})
  %close.status = call i32 @fclose(ptr %file)
  %close.done = icmp eq i32 %close.status, 0
  %both = and i1 %head.done, %layout.done
  %three = and i1 %both, %state.done
  %written = and i1 %three, %close.done
  br i1 %written, label %name.it, label %bad.write
name.it:
  %rename.status = call i32 @rename(ptr %part, ptr %path)
  %renamed = icmp eq i32 %rename.status, 0
  br i1 %renamed, label %done, label %bad.write
done:
  ret i32 0
bad.path:
  ret i32 ${cannot_open}
bad.write:
  %removed = call i32 @remove(ptr %part)
  ret i32 ${cannot_write}
unknown:
  ret i32 %known
}

; Reads the whole file once to check it, and once more into the instance, which thus changes only when all is well.
define i32 @${name}_load(ptr %self, ptr %path) nounwind {
  %known = call i32 @${name}.check_both(ptr %self, ptr %path)
  %is.known = icmp eq i32 %known, 0
  br i1 %is.known, label %open, label %unknown
open:
  %file = call ptr @fopen(ptr %path, ptr @${name}.read)
  %closed = icmp eq ptr %file, null
  br i1 %closed, label %bad.path, label %check
check:
  %status = call i32 @${name}.check(ptr %file)
  %good = icmp eq i32 %status, 0
  br i1 %good, label %read, label %close
read:
  %state = getelementptr i8, ptr %self, i64 ${state_offset}
  %count = call ${word} @fread(ptr %state, ${word} 1, ${word} ${state_bytes}, ptr %file)
  %all = icmp eq ${word} %count, ${state_bytes}
  %read.status = select i1 %all, i32 0, i32 ${damaged}
  br label %close
close:
  %result = phi i32 [%status, %check], [%read.status, %read]
  %ignored = call i32 @fclose(ptr %file)
  ret i32 %result
bad.path:
  ret i32 ${cannot_open}
unknown:
  ret i32 %known
}

; Whether the file holds a state of this layout with the right sum; leaves the file at the beginning of the state.
define internal i32 @${name}.check(ptr %file) nounwind {
  %table = alloca [256 x i32]
  %head = alloca [40 x i8], align 8
  %own = alloca [40 x i8], align 8
  %chunk = alloca [4096 x i8]
  call void @${name}.crc_table(ptr %table)
  call void @${name}.head(ptr %own)
  %head.count = call ${word} @fread(ptr %head, ${word} 1, ${word} 40, ptr %file)
  %head.whole = icmp eq ${word} %head.count, 40
  br i1 %head.whole, label %magic, label %no.state
magic:
  %magic.differs = call i32 @memcmp(ptr %head, ptr %own, ${word} 16)
  %is.state = icmp eq i32 %magic.differs, 0
  br i1 %is.state, label %sizes, label %no.state
sizes:
  %sizes.ptr = getelementptr i8, ptr %head, i32 16
  %own.sizes = getelementptr i8, ptr %own, i32 16
  %sizes.differ = call i32 @memcmp(ptr %sizes.ptr, ptr %own.sizes, ${word} 16)
  %sizes.fit = icmp eq i32 %sizes.differ, 0
  br i1 %sizes.fit, label %layout, label %other
layout:
  %layout.at = phi i64 [0, %sizes], [%layout.next, %layout.same]
  %layout.more = icmp ult i64 %layout.at, ${layout_bytes}
  br i1 %layout.more, label %layout.read, label %state
layout.read:
  %layout.left = sub i64 ${layout_bytes}, %layout.at
  %layout.count = call i64 @llvm.umin.i64(i64 %layout.left, i64 4096)
  %layout.whole = call i1 @${name}.get(ptr %file, ptr %chunk, i64 %layout.count)
  br i1 %layout.whole, label %layout.compare, label %bad
layout.compare:
  %layout.place = getelementptr i8, ptr @${name}.description, i64 ${layout_offset}
  %layout.here = getelementptr i8, ptr %layout.place, i64 %layout.at
  %layout.word = ${layout_cast}
  %layout.differs = call i32 @memcmp(ptr %chunk, ptr %layout.here, ${word} %layout.word)
  %layout.fits = icmp eq i32 %layout.differs, 0
  br i1 %layout.fits, label %layout.same, label %other
layout.same:
  %layout.next = add i64 %layout.at, %layout.count
  br label %layout
state:
  %description = getelementptr i8, ptr @${name}.description, i64 ${layout_offset}
  %crc.layout = call i32 @${name}.crc(ptr %table, i32 0, ptr %description, i64 ${layout_bytes})
  br label %part
part:
  %at = phi i64 [0, %state], [%at.next, %part.sum]
  %crc = phi i32 [%crc.layout, %state], [%crc.next, %part.sum]
  %more = icmp ult i64 %at, ${state_bytes}
  br i1 %more, label %part.read, label %end
part.read:
  %left = sub i64 ${state_bytes}, %at
  %count = call i64 @llvm.umin.i64(i64 %left, i64 4096)
  %whole = call i1 @${name}.get(ptr %file, ptr %chunk, i64 %count)
  br i1 %whole, label %part.sum, label %bad
part.sum:
  %crc.next = call i32 @${name}.crc(ptr %table, i32 %crc, ptr %chunk, i64 %count)
  %at.next = add i64 %at, %count
  br label %part
end:
  %extra = call ${word} @fread(ptr %chunk, ${word} 1, ${word} 1, ptr %file)
  %ended = icmp eq ${word} %extra, 0
  %sum.ptr = getelementptr i8, ptr %head, i32 32
  %sum = load i32, ptr %sum.ptr
  %sum.fits = icmp eq i32 %sum, %crc
  %right = and i1 %ended, %sum.fits
  br i1 %right, label %back, label %bad
back:
  call void @rewind(ptr %file)
  %head.again = call i1 @${name}.get(ptr %file, ptr %chunk, i64 40)
  br label %skip
skip:
  %skip.at = phi i64 [0, %back], [%skip.next, %skip.read]
  %skip.more = icmp ult i64 %skip.at, ${layout_bytes}
  br i1 %skip.more, label %skip.read, label %done
skip.read:
  %skip.left = sub i64 ${layout_bytes}, %skip.at
  %skip.count = call i64 @llvm.umin.i64(i64 %skip.left, i64 4096)
  %skipped = call i1 @${name}.get(ptr %file, ptr %chunk, i64 %skip.count)
  %skip.next = add i64 %skip.at, %skip.count
  br label %skip
done:
  ret i32 0
no.state:
  ret i32 ${no_state}
other:
  ret i32 ${other_model}
bad:
  ret i32 ${damaged}
}

; Whether so many bytes could be read.
define internal i1 @${name}.get(ptr %file, ptr %bytes, i64 %count) nounwind {
  %word = ${count_cast}
  %done = call ${word} @fread(ptr %bytes, ${word} 1, ${word} %word, ptr %file)
  %all = icmp eq ${word} %done, %word
  ret i1 %all
}
