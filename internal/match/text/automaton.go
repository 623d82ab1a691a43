package text

import "slices"

// automaton finds many substrings in one pass over a text (Aho and Corasick).
// A state is a beginning of one or more patterns: the longest that the text read so
// far ends with.
//
// The states of one byte and the one of none, in which most texts spend most of
// their time, have a table of all bytes; deeper ones list the bytes that lead on and
// fall back to a shorter state for others, so that memory is linear in the patterns.
type automaton struct {
	states []state
	table  [][256]int32 // of the states below len(table)
	ids    []int32      // of all patterns, by state
}

type state struct {
	edges    []edge // sorted
	fail     int32  // the longest shorter state with the same end
	report   int32  // the nearest state by way of fail that ends a pattern, itself included; -1 if none
	from, to int32  // its patterns in ids
}

type edge struct {
	c  byte
	to int32
}

func newAutomaton(patterns []Pattern) *automaton {
	a := &automaton{states: make([]state, 1)}
	ends := map[int32][]int32{}
	// By first byte first, so that the states of one byte come right after the root.
	for _, p := range patterns {
		a.step(0, p.Text[0], true)
	}
	shallow := len(a.states)
	for _, p := range patterns {
		at := int32(0)
		for i := range len(p.Text) {
			at = a.step(at, p.Text[i], true)
		}
		ends[at] = append(ends[at], p.ID)
	}
	for i := range a.states {
		s := &a.states[i]
		s.from = int32(len(a.ids))
		a.ids = append(a.ids, ends[int32(i)]...)
		s.to = int32(len(a.ids))
		slices.SortFunc(s.edges, func(x, y edge) int { return int(x.c) - int(y.c) })
	}
	a.link()
	a.tabulate(shallow)
	return a
}

// step follows an edge, and makes it if it is to; 0 if there is none.
func (a *automaton) step(at int32, c byte, grow bool) int32 {
	for _, e := range a.states[at].edges {
		if e.c == c {
			return e.to
		}
	}
	if !grow {
		return 0
	}
	to := int32(len(a.states))
	a.states = append(a.states, state{})
	a.states[at].edges = append(a.states[at].edges, edge{c, to})
	return to
}

// link fills in fail and report, shorter states first.
func (a *automaton) link() {
	a.states[0].report = -1
	queue := []int32{0}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, e := range a.states[at].edges {
			s := &a.states[e.to]
			if at != 0 {
				s.fail = a.next(a.states[at].fail, e.c)
			}
			s.report = a.states[s.fail].report
			if s.from < s.to {
				s.report = e.to
			}
			queue = append(queue, e.to)
		}
	}
}

// next is the state after another byte, by way of edges alone.
func (a *automaton) next(at int32, c byte) int32 {
	for {
		if to := a.step(at, c, false); to != 0 || at == 0 {
			return to
		}
		at = a.states[at].fail
	}
}

// tabulate makes the tables of the first n states.
func (a *automaton) tabulate(n int) {
	a.table = make([][256]int32, n)
	for i := range a.table {
		for c := range 256 {
			a.table[i][c] = a.next(int32(i), byte(c))
		}
	}
}

// find adds the patterns that are part of s.
func (a *automaton) find(s string, hits *Hits) {
	at := int32(0)
	for i := range len(s) {
		if int(at) < len(a.table) {
			at = a.table[at][s[i]]
		} else {
			at = a.after(at, s[i])
		}
		for r := a.states[at].report; r >= 0; r = a.states[a.states[r].fail].report {
			for _, id := range a.ids[a.states[r].from:a.states[r].to] {
				hits.add(id)
			}
		}
	}
}

// after is the state after another byte.
func (a *automaton) after(at int32, c byte) int32 {
	for int(at) >= len(a.table) {
		if to := a.step(at, c, false); to != 0 {
			return to
		}
		at = a.states[at].fail
	}
	return a.table[at][c]
}
