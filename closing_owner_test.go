package rotatelog_test

import (
	"maps"
	"strings"
	"testing"
	"time"
)

// TestClosingRespectsTheOwner: only the Writer that has taken over a day may close
// it. Where keys have one owner, nothing else keeps one Writer from overwriting the
// other.
func TestClosingRespectsTheOwner(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.large()
		b.cfg.Store = owned{b.cfg.Store}
		b.open()
		b.append(ten...)
		b.flush()
		b.wantLayout(dayA, false)
		ours, err := b.mem.Stat(t.Context(), dayA)
		if err != nil || ours.Meta["rotatelog-owner"] == "" {
			t.Fatalf("%+v, %v, want an owner", ours, err)
		}
		taken := maps.Clone(ours.Meta)
		taken["rotatelog-owner"] = "OTHER0WRITER0OF0THIS0KEY00"
		b.mem.Put(dayA, b.mem.Bytes(dayA), taken)
		theirs, err := b.mem.Stat(t.Context(), dayA)
		if err != nil {
			t.Fatal(err)
		}
		untilNextDay()
		time.Sleep(time.Hour)
		if now, err := b.mem.Stat(t.Context(), dayA); err != nil || now.Version != theirs.Version {
			t.Errorf("the day of another Writer was written: %+v, %v", now, err)
		}
		if !strings.Contains(b.log.String(), "it belongs to another Writer") {
			t.Errorf("nobody hears of it:\n%s", b.log)
		}
	})
}
