"""``tensorflow.contrib.framework.python.ops``: default arguments, and the module of variables."""

from graphc.contrib.framework import variables
from graphc.contrib.framework.arg_scope import add_arg_scope, arg_scope, arg_scoped_arguments, has_arg_scope

__all__ = ["add_arg_scope", "arg_scope", "arg_scoped_arguments", "has_arg_scope", "variables"]
