"""Proximal policy optimisation in NumPy: two small networks, their gradients, Adam, the update."""

from dataclasses import dataclass

import numpy as np

F = np.float32
HIDDEN = 64


def orthogonal(rng: np.random.Generator, rows: int, columns: int, gain: float) -> np.ndarray:
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))
    return (gain * (q if rows >= columns else q.T)).astype(F)


class Network:
    """inputs -> 64 tanh -> 64 tanh -> 1, with the gradient of its weights."""

    def __init__(self, rng: np.random.Generator, inputs: int, last_gain: float):
        sizes = [(inputs, HIDDEN, 2**0.5), (HIDDEN, HIDDEN, 2**0.5), (HIDDEN, 1, last_gain)]
        self.weights: list[np.ndarray] = []
        for rows, columns, gain in sizes:
            self.weights += [orthogonal(rng, rows, columns, gain), np.zeros(columns, F)]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return self.forward(x)[-1][:, 0]

    def forward(self, x: np.ndarray) -> list[np.ndarray]:
        w1, b1, w2, b2, w3, b3 = self.weights
        first = np.tanh(x @ w1 + b1)
        second = np.tanh(first @ w2 + b2)
        return [x, first, second, second @ w3 + b3]

    def gradient(self, layers: list[np.ndarray], d_out: np.ndarray) -> list[np.ndarray]:
        x, first, second, _ = layers
        _, _, w2, _, w3, _ = self.weights
        d3 = d_out[:, None]
        d2 = (d3 @ w3.T) * (1 - second**2)
        d1 = (d2 @ w2.T) * (1 - first**2)
        pairs = ((x, d1), (first, d2), (second, d3))
        return [part for into, d in pairs for part in (into.T @ d, d.sum(axis=0))]


class Adam:
    """Adam over a list of arrays changed in place, with the gradient's norm clipped."""

    def __init__(self, weights: list[np.ndarray], max_norm: float = 0.5):
        self.weights = weights
        self.max_norm = max_norm
        self.steps = 0
        self.m = [np.zeros_like(w) for w in weights]
        self.v = [np.zeros_like(w) for w in weights]

    def step(self, gradients: list[np.ndarray], rate: float) -> None:
        self.steps += 1
        norm = np.sqrt(sum(float((g * g).sum()) for g in gradients))
        scale = F(min(1.0, self.max_norm / (norm + 1e-8)))
        correct = np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
        for w, g, m, v in zip(self.weights, gradients, self.m, self.v):
            g = g * scale
            m += F(0.1) * (g - m)
            v += F(0.001) * (g * g - v)
            w -= F(rate * correct) * m / (np.sqrt(v) + F(1e-8))


@dataclass
class Batch:
    """A rollout flattened: everything float32, one row a decision."""

    observation: np.ndarray
    action: np.ndarray
    log_probability: np.ndarray
    advantage: np.ndarray
    value_target: np.ndarray


def log_probability(action: np.ndarray, mean: np.ndarray, log_std: float) -> np.ndarray:
    return -0.5 * ((action - mean) / np.exp(log_std)) ** 2 - log_std - 0.5 * np.log(2 * np.pi)


def advantages(rewards, values, cut, last_value, discount: float, smoothing: float):
    """GAE. `cut[t]` is the bootstrap value of an episode cut after step t, NaN where it goes on."""
    steps = len(rewards)
    out = np.zeros_like(rewards)
    running = np.zeros_like(last_value)
    following = last_value
    for t in reversed(range(steps)):
        ended = ~np.isnan(cut[t])
        ahead = np.where(ended, cut[t], following)
        delta = rewards[t] + discount * ahead - values[t]
        running = delta + discount * smoothing * np.where(ended, 0, running)
        out[t] = running
        following = values[t]
    return out


class Agent:
    """A Gaussian policy whose spread does not depend on the observation, and its critic."""

    def __init__(self, rng: np.random.Generator, inputs: int, log_std: float):
        self.rng = rng
        self.actor = Network(rng, inputs, 0.01)
        self.critic = Network(rng, inputs, 1.0)
        self.log_std = np.array([log_std], F)
        self.actor_adam = Adam(self.actor.weights + [self.log_std])
        self.critic_adam = Adam(self.critic.weights)

    def act(self, observation: np.ndarray, impulse: np.ndarray):
        """Actions that lie `impulse` spreads off the mean, and their log probabilities."""
        mean = self.actor(observation)
        action = (mean + np.exp(self.log_std[0]) * impulse).astype(F)
        return action, log_probability(action, mean, self.log_std[0]).astype(F)

    def update(self, batch: Batch, *, rate: float, epochs: int, size: int) -> None:
        n = len(batch.action)
        advantage = batch.advantage - batch.advantage.mean()
        advantage /= advantage.std() + 1e-8
        for _ in range(epochs):
            order = self.rng.permutation(n)
            for start in range(0, n - size + 1, size):
                pick = order[start : start + size]
                self.step_actor(batch, advantage, pick, rate)
                layers = self.critic.forward(batch.observation[pick])
                error = (layers[-1][:, 0] - batch.value_target[pick]) / F(size)
                self.critic_adam.step(self.critic.gradient(layers, error), rate)

    def step_actor(self, batch: Batch, advantage, pick, rate: float) -> None:
        layers = self.actor.forward(batch.observation[pick])
        spread = np.exp(self.log_std[0])
        z = (batch.action[pick] - layers[-1][:, 0]) / spread
        now = -0.5 * z**2 - self.log_std[0] - F(0.5 * np.log(2 * np.pi))
        ratio = np.exp(now - batch.log_probability[pick])
        gain = advantage[pick]
        # The clipped objective is flat where the ratio has moved far enough in the gain's favour.
        moving = np.where(gain > 0, ratio < 1.2, ratio > 0.8)
        d_log = -(gain * ratio * moving) / F(len(pick))
        gradient = self.actor.gradient(layers, (d_log * z / spread).astype(F))
        d_spread = np.array([(d_log * (z**2 - 1)).sum()], F)
        self.actor_adam.step(gradient + [d_spread], rate)
