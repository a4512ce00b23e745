"""Compares tinygrad's names and parameters with ours."""

import importlib
import inspect

from tinygrad import Tensor, dtypes


def parameters(owner, name):
    """Ours, as names with their defaults; None where it is no function."""
    member = getattr(owner, name)
    if not callable(member):
        return None
    given = inspect.signature(member).parameters.values()
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    told = [(stars.get(p.kind, "") + p.name, p.default) for p in given if p.name != "self"]
    return {name: value for name, value in told if name != "**kwargs"}


def theirs(rest):
    for word in split(rest):
        name, _, value = word.partition("=")
        if name and name != "**kwargs":
            yield name, eval(value, {"dtypes": dtypes, "Tensor": Tensor}) if value else inspect.Parameter.empty


def difference(line, module=None):
    """Empty where a call written for tinygrad means the same here; else "absent" or what differs. Of a method of
    Tensor, or of what stands in a module."""
    owner = importlib.import_module(module) if module else Tensor
    name, _, rest = line.removesuffix(")").partition("(")
    if name not in dir(owner):
        return "absent"
    ours = parameters(owner, name)
    if "(" not in line or ours is None:
        return "" if "(" not in line else "a property"
    told = []
    before = list(ours)[: next((i for i, word in enumerate(ours) if word[0] == "*"), len(ours))]
    for place, (word, value) in enumerate(theirs(rest)):
        if word not in ours:
            told.append(f"no {word}")
        elif ours[word] != value:
            told.append(f"{word}={ours[word]!r}")
        elif word in before and before.index(word) != place:
            told.append(f"{word} at place {before.index(word)}")
    return ", ".join(told)


def split(text):
    depth, word, words = 0, "", []
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            words, word = [*words, word.strip()], ""
        else:
            word += letter
    return [*words, word.strip()]
