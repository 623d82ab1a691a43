package match

import (
	"unsafe"

	"github.com/goshawk-security/goshawk/internal/event"
)

// imageSlots is how many images a matcher remembers at once; a power of two.
const imageSlots = 256

// images remembers, for the process images that events come from, the results of
// all nodes that depend on the image alone. An image has one place in it and drives
// out the one that was there. The images that are remembered stay in memory.
type images struct {
	slots [imageSlots]imageSlot
	words int
	none  memo // for events without an image
}

type imageSlot struct {
	image *event.Image
	memo  memo
}

func newImages(words int) images {
	return images{words: words, none: make(memo, words)}
}

// of returns the results that are known of an image; results are added to it.
func (i *images) of(image *event.Image) memo {
	if image == nil {
		clear(i.none)
		return i.none
	}
	// Images are larger than 512 bytes, so these bits of their addresses differ.
	s := &i.slots[uintptr(unsafe.Pointer(image))>>9%imageSlots]
	if s.image == image {
		return s.memo
	}
	if s.memo == nil {
		s.memo = make(memo, i.words)
	}
	clear(s.memo)
	s.image = image
	return s.memo
}
