"""LLVM IR as text, each instruction written down as it is built.

    module = Module("m")
    function = Function(module, FunctionType(I64, [I64]), "twice")
    builder = IRBuilder(function.append_basic_block("entry"))
    builder.ret(builder.add(function.args[0], function.args[0]))
    str(module)

The names and arguments are those of ``llvmlite.ir``, of which this is the part that code generation needs. There an
instruction is an object that is formatted in the end: 34 us each, a third of the time that a step takes to compile;
here it is one line of text, 5 us.

Reference: https://llvm.org/docs/LangRef.html
"""

from graphc.codegen.ir.builder import IRBuilder
from graphc.codegen.ir.types import (
    ArrayType,
    Constant,
    DoubleType,
    FloatType,
    FunctionType,
    IntType,
    LiteralStructType,
    PointerType,
    Type,
    Undefined,
    Value,
    VectorType,
    VoidType,
)
from graphc.codegen.ir.values import Alloca, Block, Function, GlobalVariable, Module, Phi

__all__ = [
    "Alloca",
    "ArrayType",
    "Block",
    "Constant",
    "DoubleType",
    "FloatType",
    "Function",
    "FunctionType",
    "GlobalVariable",
    "IRBuilder",
    "IntType",
    "LiteralStructType",
    "Module",
    "Phi",
    "PointerType",
    "Type",
    "Undefined",
    "Value",
    "VectorType",
    "VoidType",
]
