# %% [markdown]
# # Ten minutes with `forecaster` in Python
#
# Cells begin with `# %%`: editors such as VS Code and PyCharm run them one by one, `jupytext` makes a notebook of them,
# and `python examples/tour.py` runs all. The tests do so too. A folder of its own keeps the project apart.

# %%
import os
import tempfile

from forecaster import anomalies, compare, inspect, odds, plot, predict, runs, train

os.environ.setdefault("FORECAST_HOME", tempfile.mkdtemp(prefix="forecaster-tour-"))

# %% [markdown]
# ## Train and predict
# The history of the ECB is installed. `universe="none"`, `config="quick"` and few steps make the training short, and
# the forecast worse; leave them out for a real one.

# %%
settings = {"model.training.steps": 20}
trained = train(pair="USDJPY", universe="none", config="quick", set=settings)
print(trained.run.id)

# %%
forecast = predict(pair="USDJPY", horizon=5)
print(forecast.to_frame().iloc[:, :6])

# %% [markdown]
# ## Questions
# Probabilities come from the whole distribution, beside the record of such answers. Pictures are matplotlib figures.

# %%
answers = odds(pair="USDJPY", above=160, within=5)
print(answers.to_frame())
reliability = answers.figure()

# %%
fan = plot(pair="USDJPY", kind="fan", last=60)
curve = plot(pair="USDJPY", kind="loss")

# %% [markdown]
# ## Another kind of network, on the same rows

# %%
train(pair="USDJPY", universe="none", config="quick", set={**settings, "model.kind": "linear"})
comparison = compare(pair="USDJPY", runs=[run.id for run in runs().runs])
print(comparison.to_frame().iloc[:, :6])

# %% [markdown]
# ## What the network reads, and days that nobody expected

# %%
inspection = inspect(pair="USDJPY")
(unusual,) = anomalies(pair="USDJPY", end="2020-12-31")
print(unusual.to_frame().tail())

# %% [markdown]
# A result is a table (`to_frame()`); its document, for other programs, is what `--format json` prints.
