package text

import (
	"slices"
	"strings"
	"unsafe"
)

// Kind says where a pattern's text must stand.
type Kind uint8

// The kinds of pattern.
const (
	Exact     Kind = iota // is the whole text
	Prefix                // at the beginning
	Suffix                // at the end
	Substring             // anywhere
	Under                 // is the path or a directory above it; see Beneath
)

// Pattern is a literal to look for, and what it is to be called when it is found.
type Pattern struct {
	Kind Kind
	Text string
	ID   int32
}

// Holds tells whether a text has the pattern.
func (p *Pattern) Holds(s string) bool {
	switch p.Kind {
	case Exact:
		return s == p.Text
	case Prefix:
		return strings.HasPrefix(s, p.Text)
	case Suffix:
		return strings.HasSuffix(s, p.Text)
	case Substring:
		return strings.Contains(s, p.Text)
	}
	return isBeneath(p.Text, s, false)
}

// Hits is a set of patterns' numbers, for one goroutine.
type Hits struct {
	bits []uint64
	list []int32
	buf  []byte
}

// NewHits makes room for the numbers below n.
func NewHits(n int) Hits { return Hits{bits: make([]uint64, (n+63)/64), list: make([]int32, 0, n)} }

// Has tells whether a number is in the set.
func (h *Hits) Has(id int32) bool { return h.bits[uint32(id)/64]>>(uint32(id)%64)&1 != 0 }

// List returns the numbers, in no order. It is valid until the set changes.
func (h *Hits) List() []int32 { return h.list }

// Clear empties the set.
func (h *Hits) Clear() {
	for _, id := range h.list {
		h.bits[uint32(id)/64] = 0
	}
	h.list = h.list[:0]
}

func (h *Hits) add(id int32) {
	if !h.Has(id) {
		h.bits[uint32(id)/64] |= 1 << (uint32(id) % 64)
		h.list = append(h.list, id)
	}
}

// Index finds which of many patterns a text has. It never changes.
type Index struct {
	start, end *trie
	under      bool      // start has paths
	few        []Pattern // substrings that are looked for one by one
	inside     *automaton
}

// fewSubstrings is the number of substrings up to which one search for each is
// faster than the automaton for all, which looks at every byte.
const fewSubstrings = 3

// NewIndex makes an index.
func NewIndex(patterns []Pattern) *Index {
	var start, end, inside []Pattern
	for _, p := range patterns {
		switch p.Kind {
		case Suffix:
			end = append(end, p)
		case Substring:
			if p.Text == "" {
				p.Kind = Prefix
				start = append(start, p)
			} else {
				inside = append(inside, p)
			}
		default:
			start = append(start, p)
		}
	}
	x := &Index{start: newTrie(start, false), end: newTrie(end, true),
		under: slices.ContainsFunc(start, func(p Pattern) bool { return p.Kind == Under })}
	size := 0
	for _, p := range inside {
		size += len(p.Text)
	}
	if len(inside) <= fewSubstrings || size >= maxStates {
		x.few = inside
	} else {
		x.inside = newAutomaton(inside)
	}
	return x
}

// Find adds the numbers of all patterns that s has.
func (x *Index) Find(s string, hits *Hits) {
	if x.under && !isPlain(s) {
		x.start.find(s, hits, 1<<Exact|1<<Prefix)
		hits.buf = appendPlain(hits.buf[:0], s)
		x.start.find(unsafe.String(unsafe.SliceData(hits.buf), len(hits.buf)), hits, 1<<Under)
	} else if x.start != nil {
		x.start.find(s, hits, 1<<Exact|1<<Prefix|1<<Under)
	}
	if x.end != nil {
		x.end.findEnd(s, hits)
	}
	for i := range x.few {
		if p := &x.few[i]; !hits.Has(p.ID) && strings.Contains(s, p.Text) {
			hits.add(p.ID)
		}
	}
	if x.inside != nil {
		x.inside.find(s, hits)
	}
}
