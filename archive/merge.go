package archive

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"example.com/rotatelog"
)

// merge puts together what several sources have of a day.
type merge struct {
	keep    []rotatelog.DayUpload // of the object
	ids     map[string]rotatelog.DayUpload
	waiting map[string]rotatelog.DayUpload // in the spool, which its Writer brings: the unfinished one has an ID of ""
	taken   map[int]bool                   // sequences
	free    []int                          // those of uploads that yield
	highest int                            // of all that any source names
	back    []PutBack
	loose   []loose
	damaged []damaged
	made    []rotatelog.DayUpload // those of keep that an earlier restore made
	differ  map[string]bool
	yield   []string
}

// newMerge returns a merge that begins with what the object has whole. Of two uploads of
// one id the first counts, and what the other has besides is put back; one whose sequence
// does not rise goes to the end.
func newMerge(whole []rotatelog.DayUpload) (*merge, error) {
	m := &merge{ids: map[string]rotatelog.DayUpload{}, waiting: map[string]rotatelog.DayUpload{}, taken: map[int]bool{}, differ: map[string]bool{}}
	last := 0
	var others []rotatelog.DayUpload
	for _, u := range whole {
		m.highest = max(m.highest, u.Sequence)
		if have, twice := m.ids[u.ID]; twice {
			differs, err := differ(have, u)
			if err != nil {
				return nil, err
			}
			if differs {
				m.differ[u.ID] = true
				others = append(others, u)
			}
			continue
		}
		m.ids[u.ID] = u
		if u.Sequence <= last {
			m.back = append(m.back, PutBack{DayUpload: u, From: "the object"})
			continue
		}
		last = u.Sequence
		m.taken[u.Sequence] = true
		m.keep = append(m.keep, u)
	}
	for _, u := range others {
		u.ID = ""
		m.loose = append(m.loose, loose{u, "the object", idsOf(whole)})
	}
	return m, nil
}

func (m *merge) has(id string) bool {
	_, ok := m.ids[id]
	return ok
}

// supply adds the uploads that a source has, except those that wait in the spool.
func (m *merge) supply(from string, found []rotatelog.DayUpload) error {
	ids := idsOf(found)
	for _, u := range found {
		if _, ok := m.waiting[u.ID]; ok {
			continue
		}
		if u.Lacks > 0 {
			m.highest = max(m.highest, u.Sequence)
			m.damaged = append(m.damaged, damaged{u, from})
			continue
		}
		if isMade(u.ID) && !m.has(u.ID) {
			m.loose = append(m.loose, loose{u, from, ids})
			continue
		}
		if err := m.add(from, u); err != nil {
			return err
		}
	}
	return nil
}

// wait remembers a batch that the Writer of the spool brings.
func (m *merge) wait(b rotatelog.SpoolBatch) {
	u := b.DayUpload
	if b.State == rotatelog.Unfinished {
		u.ID = "" // it gets another one
	}
	m.waiting[b.ID] = u
}

// idsOf returns the ids of uploads, without those that a restore made.
func idsOf(uploads []rotatelog.DayUpload) map[string]bool {
	ids := map[string]bool{}
	for _, u := range uploads {
		if !isMade(u.ID) && u.Lacks == 0 {
			ids[u.ID] = true
		}
	}
	return ids
}

// add adds an upload that a source has, unless it is there already.
func (m *merge) add(from string, u rotatelog.DayUpload) error {
	m.highest = max(m.highest, u.Sequence)
	if have, ok := m.ids[u.ID]; ok {
		differs, err := differ(have, u)
		if differs {
			m.differ[u.ID] = true
		}
		return err
	}
	m.ids[u.ID] = u
	m.back = append(m.back, PutBack{DayUpload: u, From: from})
	return nil
}

// differ reports whether two uploads of one id are not copies of each other. A number of
// matches that a rule has just given says nothing.
func differ(a, b rotatelog.DayUpload) (bool, error) {
	if a.SHA256 != "" && a.SHA256 == b.SHA256 {
		return false, nil
	}
	if a.Timestamp != b.Timestamp || a.FetchCount != b.FetchCount || a.Matches != b.Matches && !a.Counted && !b.Counted {
		return true, nil
	}
	x, err := textSum(a)
	if err != nil {
		return false, err
	}
	y, err := textSum(b)
	return x != y, err
}

// arrange gives each upload its sequence: its own if no other has it, otherwise that of
// one that yields, or one after all that any source names.
func (m *merge) arrange() (back []PutBack, missing []Range) {
	var late []PutBack
	for _, b := range m.back {
		if b.Sequence < 1 || m.taken[b.Sequence] {
			late = append(late, b)
			continue
		}
		m.taken[b.Sequence] = true
		back = append(back, b)
	}
	free := slices.DeleteFunc(slices.Sorted(slices.Values(m.free)), func(n int) bool { return m.taken[n] })
	for _, n := range free {
		m.taken[n] = true
	}
	missing = gaps(m.taken, m.highest)
	for _, b := range late {
		b.Was, b.Off, b.Len = b.Sequence, 0, 0
		if b.Was < 1 && len(free) > 0 {
			b.Sequence, free = free[0], free[1:]
		} else {
			m.highest++
			b.Sequence = m.highest
		}
		back = append(back, b)
	}
	slices.SortStableFunc(back, func(a, b PutBack) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return back, missing
}

// differing returns the ids of uploads of which there are several texts.
func (m *merge) differing() []string { return slices.Sorted(maps.Keys(m.differ)) }

// Range is the sequences from First to Last, both included.
type Range struct{ First, Last int }

// String returns the range for people.
func (r Range) String() string {
	if r.First == r.Last {
		return fmt.Sprint(r.First)
	}
	return fmt.Sprintf("%d to %d", r.First, r.Last)
}

// gaps returns the sequences up to the highest that are not taken.
func gaps(taken map[int]bool, highest int) (missing []Range) {
	next := 1
	for _, n := range slices.Sorted(maps.Keys(taken)) {
		if n > next {
			missing = append(missing, Range{next, n - 1})
		}
		next = n + 1
	}
	if next <= highest {
		missing = append(missing, Range{next, highest})
	}
	return missing
}
