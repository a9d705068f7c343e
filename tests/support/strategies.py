"""Inputs for properties."""

from hypothesis import strategies as st

from surnames.core import alphabet

# letters of many scripts, marks, hyphens, quotes and white space come up more often than by chance
NAMELIKE = st.text(
    st.characters(codec="utf-8")
    | st.sampled_from("aZ éßłŁđøæœðþıÅǿñ-'’ʼ`\u0301\u0327/,;.:1\t\u00a0\u2009\u3000\u2011\u212b")
)
# what may come as a name from Python; half of a surrogate pair, too
ANYTHING = st.text(st.characters()) | NAMELIKE | st.text(alphabet.LETTERS)
