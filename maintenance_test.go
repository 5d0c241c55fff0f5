package rotatelog_test

import (
	"bytes"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/clocktest"
	"example.com/rotatelog/storetest"
)

// TestClosedDayStaysClosed: a large day that is written from its uploads keeps the layout of
// a closed day, also by a process whose clock says that it is not over, and which sees no
// metadata beside the object.
func TestClosedDayStaysClosed(t *testing.T) {
	noon := time.Date(2025, 7, 10, 16, 0, 0, 0, time.UTC)
	write := func(mem *storetest.Mem, now time.Time) {
		cfg := rotatelog.Config{Dir: t.TempDir(), Store: mem, Clock: clocktest.New(now)}
		g := &gapDay{t: t, mem: mem, cfg: rotatelog.LargeFrom(cfg, 1), third: 1000}
		g.write(1, 2, 3)
	}
	for name, test := range map[string]struct {
		written time.Time
		strip   func(text []byte) []byte
		closed  bool
	}{
		"closed":   {noon.AddDate(0, 0, 1), bytes.Clone, true},
		"not over": {noon, bytes.Clone, false},
		"damaged":  {noon.AddDate(0, 0, 1), func(text []byte) []byte { return text[:len(text)/2] }, false},
	} {
		t.Run(name, func(t *testing.T) {
			mem := storetest.NewMem()
			write(mem, test.written)
			key := mem.Keys()[0]
			mem.Put(key, test.strip(mem.Bytes(key)), nil)
			write(mem, noon)
			if first := bytes.HasPrefix(mem.Bytes(key), []byte(`{"daily_metadata"`)); first != test.closed {
				t.Errorf("daily_metadata is first: %t\n%.60s", first, mem.Bytes(key))
			}
		})
	}
}
