"""Note 000: its examples of enumerate and zip."""

fruits = ["apple", "banana", "cherry"]
names = ["Alice", "Bob", "Charlie"]
scores = [85, 92, 78]
keys = ["name", "age", "city"]
values = ["David", 28, "Berlin"]


def print_fruits():
    """Index and fruit, by the index alone and then by enumerate."""
    for i in range(len(fruits)):
        print(f"Index {i}: {fruits[i]}")
    for index, fruit in enumerate(fruits):
        print(f"Index {index}: {fruit}")


def print_scores():
    """Name and score, by the index alone and then by zip."""
    for i in range(len(names)):
        print(f"{names[i]}: {scores[i]}")
    for name, score in zip(names, scores, strict=True):
        print(f"{name}: {score}")


def person():
    """Keys and values as a dictionary."""
    return dict(zip(keys, values, strict=True))
