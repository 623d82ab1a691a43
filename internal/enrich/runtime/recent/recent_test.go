package recent

import (
	"strconv"
	"testing"
)

func TestCache(t *testing.T) {
	c := Cache[int]{Max: 3}
	if _, ok := c.Get("1"); ok {
		t.Error("an empty cache has something")
	}
	for n := range 10 {
		key := strconv.Itoa(n)
		c.Put(key, 0)
		c.Put(key, n) // again: takes no second place
	}
	for n := range 10 {
		v, ok := c.Get(strconv.Itoa(n))
		if ok != (n >= 7) || ok && v != n {
			t.Errorf("Get(%d) = %d, %v", n, v, ok)
		}
	}
	if len(c.values) != 3 || len(c.order) != 3 {
		t.Errorf("%d values, %d keys", len(c.values), len(c.order))
	}
}
