package match

import (
	"unsafe"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/match/graph"
	"github.com/goshawk-security/goshawk/internal/match/predicate"
)

// imageSlots is how many images a matcher remembers at once; a power of two.
const imageSlots = 256

// images remembers, for the process images that events come from, the results of
// all nodes that depend on the image alone, and which targets these leave open. An
// image has one place in it and drives out the one that was there. The images that
// are remembered stay in memory.
type images struct {
	slots [imageSlots]imageSlot
	words int
	none  imageSlot // for events without an image
}

type imageSlot struct {
	image *event.Image
	memo  memo
	open  []openTargets // of the types of which it had events
}

// openTargets are the targets of one type that an image can make true: those that
// are tried with every event, and the triggers of the others, once there were
// events enough.
type openTargets struct {
	typ      event.Type
	events   int // of this type
	targets  []int32
	triggers [predicate.Scopes][]graph.Trigger
}

// patience is the number of events of an image after which it is worth to ask which
// triggers it needs: many processes live for a few.
const patience = 8

func newImages(words int) images {
	return images{words: words, none: imageSlot{memo: make(memo, words)}}
}

// of returns what is known of an image; results are added to it.
func (i *images) of(image *event.Image) *imageSlot {
	if image == nil {
		i.none.clear()
		return &i.none
	}
	// Images are larger than 512 bytes, so these bits of their addresses differ.
	s := &i.slots[uintptr(unsafe.Pointer(image))>>9%imageSlots]
	if s.image == image {
		return s
	}
	if s.memo == nil {
		s.memo = make(memo, i.words)
	}
	s.clear()
	s.image = image
	return s
}

func (s *imageSlot) clear() {
	clear(s.memo)
	s.open = s.open[:0]
}

// find returns the targets of a type; ok is false if they are not known yet, and
// the list is then empty, with room.
func (s *imageSlot) find(t event.Type) (targets *openTargets, ok bool) {
	for i := range s.open {
		if s.open[i].typ == t {
			return &s.open[i], true
		}
	}
	if len(s.open) < cap(s.open) {
		s.open = s.open[:len(s.open)+1] // with the list that was there
	} else {
		s.open = append(s.open, openTargets{})
	}
	o := &s.open[len(s.open)-1]
	o.typ, o.events, o.targets = t, 0, o.targets[:0]
	return o, false
}
