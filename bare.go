package rotatelog

import "example.com/rotatelog/internal/rawjson"

// bare is what is known of the fetches of a day that lack the member that has the
// count. One of them is nothing odd; but if all lack it the day counts 0, and
// nobody notices.
type bare struct {
	fetches int  // that this Writer has appended
	counts  bool // some have the member
	told    bool
}

// noteCounts notes whether fetches that were written have the count member.
func (w *Writer) noteCounts(day Day, written []*request) {
	if w.cfg.countPath == nil || len(written) == 0 {
		return
	}
	b := w.bare[day]
	if b == nil {
		b = new(bare)
		w.bare[day] = b
	}
	b.fetches += len(written)
	for _, r := range written {
		b.counts = b.counts || !r.countless
	}
}

// judgeCounts says once for each day that no fetch has a count, when the first
// batch is full of which that is known: one that this Writer has filled, or the
// first of the day. The records are those that are still in the array.
func (w *Writer) judgeCounts(day Day, records [][]byte) {
	b := w.bare[day]
	if b == nil || b.told || b.counts {
		return
	}
	if b.fetches < w.spool.max {
		if w.spool.progress.First > 1 {
			return
		}
		for _, fetch := range records {
			if f, err := rawjson.Find(fetch, w.cfg.countPath); err != nil || f.Value != nil {
				b.counts = true
				return
			}
		}
	}
	b.told = true
	w.cfg.reportCountless(day)
}
