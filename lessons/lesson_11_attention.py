import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="11. Attention and normalisation")

with app.setup:
    from lessons.experiments import attention as lesson
    from lessons.tools import kit, show
    from lessons.tools.prose import Prose
    from theory.attention import counterexample, gradients, logits, weights
    from theory.transformer import streams, tokens, value_path

    text = Prose("attention")


@app.cell(hide_code=True)
def _():
    kit.opening(text)
    return


@app.cell(hide_code=True)
def _():
    heads_guess = kit.ask(text, "heads question")
    heads_guess
    return (heads_guess,)


@app.cell(hide_code=True)
def _(heads_guess):
    kit.guess_reply(text, "heads", heads_guess, lesson.guessed_keys(), close=1.15)
    return


@app.cell(hide_code=True)
def _(heads_guess):
    kit.wait(heads_guess)
    divisor = kit.choice(text, "divisor", lesson.DIVISORS, "root")
    head = kit.slider(text, "head", 1, lesson.WIDEST_HEAD, 64)
    keys = kit.slider(text, "keys", 2, lesson.MOST_KEYS, lesson.GUESSED_KEYS)
    cosine = kit.slider(text, "cosine", 0, 0.95, 0, step=0.05)
    heads_seed = kit.seed()
    kit.controls(kit.words(text, "heads try"), divisor, head, keys, cosine, heads_seed)
    return cosine, divisor, head, heads_seed, keys


@app.cell(hide_code=True)
def _(cosine, divisor, head, heads_seed, keys):
    heads = lesson.heads(head.value, divisor.value, keys.value, cosine.value, heads_seed.value)
    show.panel(
        heads, lesson.draw_heads, text, "heads",
        head=head.value, keys=keys.value, cosine=cosine.value, spread=heads["spread"][-1],
        expected=heads["now"][-1], measured=heads["measured"][-1],
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(heads_guess):
    kit.wait(heads_guess, silent=True)
    uniform = kit.refute()
    kit.below(
        show.derivation(logits.second_moment(), weights.entropy(), weights.many_keys()),
        kit.box(text, "uniform box"),
        uniform,
    )
    return (uniform,)


@app.cell(hide_code=True)
def _(uniform):
    kit.refuted(uniform, "attention.a_query_sees_fewer_keys_than_there_are", "uniform weights")
    return


@app.cell(hide_code=True)
def _(heads_guess):
    kit.wait(heads_guess, silent=True)
    alone = kit.refute()
    kit.below(show.derivation(logits.covariance()), kit.box(text, "alone box"), alone)
    return (alone,)


@app.cell(hide_code=True)
def _(alone):
    kit.refuted(alone, "attention.logits_of_a_head_are_correlated", "independent logits")
    return


@app.cell(hide_code=True)
def _():
    grown_guess = kit.ask(text, "grown question")
    grown_guess
    return (grown_guess,)


@app.cell(hide_code=True)
def _(grown_guess):
    kit.guess_reply(text, "grown", grown_guess, lesson.guessed_square(), close=1.03)
    return


@app.cell(hide_code=True)
def _(grown_guess):
    kit.wait(grown_guess)
    place = kit.choice(text, "place", lesson.PLACES, "pre")
    layers = kit.slider(text, "layers", 1, lesson.MOST_LAYERS, 12)
    positions = kit.slider(text, "positions", 1, lesson.MOST_POSITIONS, 4)
    alike = kit.slider(text, "cosine", 0, 1, 0, step=0.05)
    grown_seed = kit.seed()
    kit.controls(kit.words(text, "grown try"), place, layers, positions, alike, grown_seed)
    return alike, grown_seed, layers, place, positions


@app.cell(hide_code=True)
def _(alike, grown_seed, layers, place, positions):
    grown = lesson.grown(place.value, layers.value, positions.value, alike.value, grown_seed.value)
    show.panel(
        grown, lesson.draw_grown, text, "grown",
        place=text.label(place.value), layers=layers.value, positions=positions.value,
        expected=grown["expected"][-1], first=grown["first"][-1], last=grown["last"][-1],
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(grown_guess):
    kit.wait(grown_guess, silent=True)
    same = kit.refute()
    kit.below(
        show.derivation(streams.growth(), tokens.first_token(), tokens.later_token(), streams.scaled_layers()),
        kit.box(text, "same box"),
        same,
    )
    return (same,)


@app.cell(hide_code=True)
def _(same):
    kit.refuted(same, "transformer.first_tokens_see_themselves", "the same for all tokens")
    return


@app.cell(hide_code=True)
def _():
    theorem_guess = kit.ask_choice(text, "theorem question", ["more", "equal", "less"])
    theorem_guess
    return (theorem_guess,)


@app.cell(hide_code=True)
def _(theorem_guess):
    kit.choice_reply(text, "theorem", theorem_guess, right="less")
    return


@app.cell(hide_code=True)
def _(theorem_guess):
    kit.wait(theorem_guess)
    second = kit.slider(text, "second", -1, 6, 3, step=0.1)
    share = kit.slider(text, "share", 0, 2, 1, step=0.05)
    kit.controls(kit.words(text, "theorem try"), second, share)
    return second, share


@app.cell(hide_code=True)
def _(second, share):
    theorem = lesson.theorem(second.value, share.value)
    show.panel(
        theorem, lesson.draw_theorem, text, "theorem",
        second=second.value, share=share.value, excess=theorem["excess"][-1], bound=theorem["bound"][-1],
        gradient=theorem["gradient"][-1], told=theorem["told"][-1], along=theorem["along"][-1],
        verdict=text.label("violated" if lesson.violated(theorem) else "not violated"),
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(theorem_guess):
    kit.wait(theorem_guess, silent=True)
    bounded = kit.refute()
    kit.below(
        show.derivation(gradients.along_the_stream(), counterexample.still(), counterexample.excess()),
        kit.box(text, "bounded box"),
        bounded,
    )
    return (bounded,)


@app.cell(hide_code=True)
def _(bounded):
    kit.refuted(bounded, "attention.theorem_1_fails_through_attention", "theorem 1")
    return


@app.cell(hide_code=True)
def _(theorem_guess):
    kit.wait(theorem_guess, silent=True)
    four = kit.refute()
    kit.below(
        kit.words(text, "factors"),
        show.derivation(value_path.attention(), value_path.depth_free(), value_path.all_projections()),
        kit.box(text, "four box"),
        four,
    )
    return (four,)


@app.cell(hide_code=True)
def _(four):
    kit.refuted(four, "transformer.attention_multiplies_two_layers", "attention has four layers")
    return


@app.cell(hide_code=True)
def _():
    answers = kit.answers(text, lesson.EXERCISES)
    return (answers,)


@app.cell(hide_code=True)
def _(answers):
    kit.closing(text, lesson.EXERCISES, answers)
    return


@app.function(hide_code=True)
def test_exercises_accept_their_own_answers():
    assert all(exercise.accepts_its_own_answer(text) for exercise in lesson.EXERCISES)


if __name__ == "__main__":
    app.run()
