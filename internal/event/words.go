package event

import (
	"iter"
	"strings"
)

// Words is a list of strings in one: each is ended by NUL, as argv and the
// environment lie in memory. The last has no NUL where the list was cut. Nothing
// here allocates, except WordsOf and List.
type Words string

// WordsOf makes a list of words, none of which may hold a NUL.
func WordsOf(words ...string) Words {
	if len(words) == 0 {
		return ""
	}
	return Words(strings.Join(words, "\x00") + "\x00")
}

// Len returns the number of words.
func (w Words) Len() int {
	n := strings.Count(string(w), "\x00")
	if w.Cut() {
		n++
	}
	return n
}

// Cut tells that the last word has no end.
func (w Words) Cut() bool { return w != "" && w[len(w)-1] != 0 }

// Next returns the first word and those after it. The first of none is "".
func (w Words) Next() (first string, rest Words) {
	first, after, _ := strings.Cut(string(w), "\x00")
	return first, Words(after)
}

// At returns word n, counted from 0; it is false if there are not so many.
func (w Words) At(n int) (string, bool) {
	if n < 0 {
		return "", false
	}
	for ; n > 0 && w != ""; n-- {
		_, w = w.Next()
	}
	if w == "" {
		return "", false
	}
	first, _ := w.Next()
	return first, true
}

// All goes through the words.
func (w Words) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		for w != "" {
			var first string
			if first, w = w.Next(); !yield(first) {
				return
			}
		}
	}
}

// TextLen is the length of all words together.
func (w Words) TextLen() int { return len(w) - strings.Count(string(w), "\x00") }

// JoinedLen is the length of what AppendJoined appends.
func (w Words) JoinedLen() int {
	if w == "" || w.Cut() {
		return len(w)
	}
	return len(w) - 1
}

// AppendJoined appends the words, joined by blanks.
func (w Words) AppendJoined(b []byte) []byte {
	for len(w) > 0 {
		at := strings.IndexByte(string(w), 0)
		if at < 0 || at == len(w)-1 {
			return append(b, strings.TrimSuffix(string(w), "\x00")...)
		}
		b = append(append(b, w[:at]...), ' ')
		w = w[at+1:]
	}
	return b
}

// Joined returns the words, joined by blanks.
func (w Words) Joined() string {
	return strings.ReplaceAll(string(w[:w.JoinedLen()]), "\x00", " ")
}

// List returns the words one by one.
func (w Words) List() []string {
	list := make([]string, 0, w.Len())
	for s := range w.All() {
		list = append(list, s)
	}
	return list
}
