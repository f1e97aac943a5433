"""How each system does each workload. A module offers the functions named after workloads that it can do:

mlp, cnn(weights)     -> step(inputs, labels) -> loss as a float, momentum SGD
matmul(left, right)   -> call() -> product
overhead()            -> {label: call()} for a * b + 1 of two scalars handed in from Python
chain(length)         -> sum of the gradient of `length` times tanh(h * c + x), after declaring and compiling it
"""
