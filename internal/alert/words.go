package alert

import (
	"math/bits"
	"strings"
)

// pass is one of the ways to look for secrets, each begun by words of its own.
type pass uint8

const (
	byName pass = iota
	byHeader
	byBearer
	byURL
	byProgram
	byToken
	byWebToken
	byKey
	passes
)

// trigger is a word that may be near a secret, in lower case.
type trigger struct {
	word string
	pass pass
	form int // of byToken: which of tokenForms
}

// wordTable finds all triggers in one go through a text, whatever their number:
// by the first two bytes it knows which can begin at a place. It never changes.
type wordTable struct {
	triggers []trigger       // at most 64
	begin    [1 << 10]uint64 // a bit for each trigger with these two bytes
}

func newWordTable() *wordTable {
	t := &wordTable{}
	add := func(p pass, words ...string) {
		for _, w := range words {
			t.triggers = append(t.triggers, trigger{word: w, pass: p})
		}
	}
	add(byName, nameHints[:]...)
	add(byHeader, "authorization")
	add(byBearer, "bearer")
	add(byURL, "://")
	add(byProgram, programHints[:]...)
	add(byWebToken, lowerASCII(webTokenStart))
	add(byKey, lowerASCII(keyBegin))
	for i, f := range tokenForms {
		t.triggers = append(t.triggers, trigger{word: lowerASCII(f.start), pass: byToken, form: i})
	}
	for i, tr := range t.triggers {
		t.begin[slot(tr.word[0], tr.word[1])] |= 1 << i
	}
	return t
}

// slot is where two bytes are in the table. Others may share it.
func slot(a, b byte) int { return int(a&31)<<5 | int(b&31) }

// scan calls found with every trigger in a text in lower case, in the order of
// their places.
func (t *wordTable) scan(lower string, found func(at int, tr *trigger)) {
	for i := 0; i+1 < len(lower); i++ {
		for may := t.begin[slot(lower[i], lower[i+1])]; may != 0; may &= may - 1 {
			if tr := &t.triggers[bits.TrailingZeros64(may)]; strings.HasPrefix(lower[i:], tr.word) {
				found(i, tr)
			}
		}
	}
}
