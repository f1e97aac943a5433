"""Native code: kernels to loops, loops to LLVM IR, LLVM IR to a program."""
