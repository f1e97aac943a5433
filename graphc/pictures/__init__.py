"""Graphs as pictures: what is drawn of a graph, which scopes are folded, how it looks, and what draws it.

    units    operations with the small things that belong to them
    scopes   the tree of scopes, one for each role
    fold     which scopes are drawn as one box
    boxes    boxes and the links between them
    dot      the picture in Graphviz's language
    picture  a finished picture: saved, shown, turned into SVG
    program  the dot program that turns it into SVG or PNG

Here nothing is known of sessions and stages; :mod:`graphc.visualize` is the front door.
"""
