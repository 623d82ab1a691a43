package alert

import (
	"weak"

	"github.com/goshawk-security/goshawk/internal/event"
)

// maxImages bounds each of the two generations of an imageCache: about 4 MB of
// command lines if all are as long as they may be and full of secrets.
const maxImages = 128

// imageCache keeps the masked command lines of images, which never change. It
// holds no image alive. When one generation is full the older is forgotten;
// what is asked for moves to the younger. It is for one goroutine.
type imageCache struct {
	mask       *Masker
	young, old map[weak.Pointer[event.Image]]*imageLines
	made       int // lines that were masked, for tests
}

// imageLines are the lines of one image, each made when it is first asked for.
type imageLines struct {
	full    *maskedLine // the command line
	text    string      // the same, rendered
	lineage string      // the same, shorter
	short   bool        // lineage is made
}

func newImageCache(mask *Masker) *imageCache {
	return &imageCache{mask: mask, young: map[weak.Pointer[event.Image]]*imageLines{}}
}

func (c *imageCache) lines(img *event.Image) *imageLines {
	key := weak.Make(img)
	if lines := c.young[key]; lines != nil {
		return lines
	}
	lines := c.old[key]
	if lines == nil {
		lines = &imageLines{}
	}
	if len(c.young) >= maxImages {
		c.young, c.old = make(map[weak.Pointer[event.Image]]*imageLines, maxImages), c.young
	}
	c.young[key] = lines
	return lines
}

// line returns an image's command line, with what is known of its secrets.
func (c *imageCache) line(img *event.Image) *maskedLine {
	lines := c.lines(img)
	if lines.full == nil {
		c.made++
		lines.full = c.mask.mask(commandLine(img, maxText))
		lines.text = valid(lines.full.render())
	}
	return lines.full
}

// commandLine returns an image's command line without its secrets.
func (c *imageCache) commandLine(img *event.Image) string {
	c.line(img)
	return c.lines(img).text
}

// lineageLine returns a shorter begin of it.
func (c *imageCache) lineageLine(img *event.Image) string {
	lines := c.lines(img)
	if !lines.short {
		c.made++
		lines.lineage, lines.short = valid(c.mask.mask(commandLine(img, maxLineageText)).render()), true
	}
	return lines.lineage
}
