package text

import "slices"

// automaton finds many substrings in one pass over a text (Aho and Corasick).
// A state is a beginning of one or more patterns: the longest that the text read so
// far ends with.
//
// The states of one byte and the one of none, in which most texts spend most of
// their time, and some more have a table of all bytes; the others list the bytes that
// lead on and fall back to a shorter state, so that memory is linear in the patterns.
type automaton struct {
	states []state
	pairs  pairs
	table  []next  // 256 for each of the first states
	ids    []int32 // of all patterns, by state
}

// pairs has the two bytes with which patterns begin, of each its last six bits: a
// bit that is not set rules out that a pattern begins here. It spares most of a text
// the table, in which each step waits for the one before.
type pairs [64]uint64

func (p *pairs) add(pattern string) {
	if len(pattern) > 1 {
		p[pattern[0]&63] |= 1 << (pattern[1] & 63)
	} else {
		p[pattern[0]&63] = ^uint64(0)
	}
}

func (p *pairs) has(a, b byte) bool { return p[a&63]>>(b&63)&1 != 0 }

// next is a state, shifted to where its part of the table begins, and flags.
type next uint32

const (
	reports next = 1 << iota // patterns end at the state
	isDeep                   // the table has no part for it

	nextShift = 8
)

// minTable is how many states have a table, if there are so many: a kilobyte each.
const minTable = 256

// maxStates is as many as fit in next.
const maxStates = 1 << 24

func (a *automaton) toNext(at, shallow int32) next {
	n := next(at) << nextShift
	if a.states[at].report >= 0 {
		n |= reports
	}
	if at >= shallow {
		n |= isDeep
	}
	return n
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
		a.pairs.add(p.Text)
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
	a.tabulate(max(shallow, min(len(a.states), minTable)))
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
				s.fail = a.follow(a.states[at].fail, e.c)
			}
			s.report = a.states[s.fail].report
			if s.from < s.to {
				s.report = e.to
			}
			queue = append(queue, e.to)
		}
	}
}

// follow is the state after another byte, by way of edges alone.
func (a *automaton) follow(at int32, c byte) int32 {
	for {
		if to := a.step(at, c, false); to != 0 || at == 0 {
			return to
		}
		at = a.states[at].fail
	}
}

// tabulate makes the table of the first n states.
func (a *automaton) tabulate(n int) {
	a.table = make([]next, n<<nextShift)
	for i := range a.table {
		a.table[i] = a.toNext(a.follow(int32(i>>nextShift), byte(i)), int32(n))
	}
}

// find adds the patterns that are part of s.
func (a *automaton) find(s string, hits *Hits) {
	at := next(0)
	for i := 0; i < len(s); i++ {
		if at == 0 {
			for i+1 < len(s) && !a.pairs.has(s[i], s[i+1]) {
				i++
			}
		}
		if at&isDeep == 0 {
			at = a.table[at>>nextShift<<nextShift|next(s[i])]
		} else {
			at = a.after(int32(at>>nextShift), s[i])
		}
		if at&reports != 0 {
			a.report(int32(at>>nextShift), hits)
		}
	}
}

// report adds the patterns that end at a state and those that end with them.
func (a *automaton) report(at int32, hits *Hits) {
	for r := a.states[at].report; r >= 0; r = a.states[a.states[r].fail].report {
		for _, id := range a.ids[a.states[r].from:a.states[r].to] {
			hits.add(id)
		}
	}
}

// after is the state after another byte in a state that has no part of the table.
func (a *automaton) after(at int32, c byte) next {
	shallow := int32(len(a.table) >> nextShift)
	for at >= shallow {
		if to := a.step(at, c, false); to != 0 {
			return a.toNext(to, shallow)
		}
		at = a.states[at].fail
	}
	return a.table[at<<nextShift|int32(c)]
}
