"""Note 004: an MLP with LayerNorm trained on random labels, with the ablation and the fresh data that the note lacks."""

from dataclasses import dataclass

import torch
from torch import nn


class MLP(nn.Module):
    """The note's model; `norm=False` is the ablation, the same model without its LayerNorm."""

    def __init__(self, input_size, hidden_size, output_size, norm=True):
        super().__init__()
        self.fc1 = nn.Linear(input_size, hidden_size)
        self.norm1 = nn.LayerNorm(hidden_size) if norm else nn.Identity()
        self.fc2 = nn.Linear(hidden_size, output_size)

    def forward(self, x):
        x = self.fc1(x)
        x = self.norm1(x)
        x = torch.relu(x)
        return self.fc2(x)


@dataclass(frozen=True)
class History:
    """What the note prints after each epoch, as numbers, and the trained model."""

    losses: list[float]
    accuracies: list[float]  # on the training data, which is all that there is; between 0 and 1
    model: MLP


def accuracy(model, x, y):
    """The share of rows whose larger output is the label's."""
    with torch.no_grad():
        return (model(x).argmax(dim=1) == y).float().mean().item()


def random_data(rows=100):
    """`(x, y)`: the note's data. The labels are drawn without a look at x, so there is nothing to learn but by heart."""
    input_size, output_size = 10, 2
    return torch.randn((rows, input_size)), torch.randint(0, output_size, (rows,))


def train(seed=0, norm=True, num_epochs=10, lr=0.01, data=random_data):
    """The note's script: full-batch SGD. The same seed gives both variants the same data and the same Linear layers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        x_train, y_train = data()
        model = MLP(input_size=10, hidden_size=20, output_size=2, norm=norm)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses, accuracies = [], []
    for _ in range(num_epochs):
        outputs = model(x_train)
        loss = criterion(outputs, y_train)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        _, predicted = torch.max(outputs.data, 1)
        correct = (predicted == y_train).sum().item()
        losses.append(loss.item())
        accuracies.append(correct / y_train.size(0))
    return History(losses, accuracies, model)
