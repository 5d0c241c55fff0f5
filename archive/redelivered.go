package archive

import (
	"slices"

	"example.com/rotatelog"
)

// What a source delivers until it is acknowledged may wait on the disk of a lost machine,
// and be delivered again to the one that has taken over. If that disk turns up, a batch of it
// that nobody has uploaded is put back without those fetches.

// dropRedelivered takes out of the batches that no object has had what other uploads have,
// of fetches with ids. A batch of which none is elsewhere stays whole.
func (m *merge) dropRedelivered(count rotatelog.CountFunc) error {
	s := stock{}
	waited := map[string]bool{}
	for _, b := range m.back {
		if b.Sequence > 0 || isMade(b.ID) {
			continue
		}
		waited[b.ID] = true
		if err := eachFetch(b.DayUpload, s.want); err != nil {
			return err
		}
	}
	if len(waited) == 0 {
		return nil
	}
	for _, u := range m.all() {
		made := slices.ContainsFunc(m.made, func(k rotatelog.DayUpload) bool { return k.ID == u.ID })
		if waited[u.ID] || made { // which yields to a whole batch
			continue
		}
		if err := s.addUpload(u, true); err != nil {
			return err
		}
	}
	for id := range waited {
		i := slices.IndexFunc(m.back, func(b PutBack) bool { return b.ID == id })
		if _, all, err := without(m.back[i].DayUpload, s, count); err != nil {
			return err
		} else if all {
			delete(waited, id)
		}
	}
	return m.shorten(waited, s, count)
}

// shorten replaces batches that are to be put back by what is left of them without what the
// stock has, and without what an earlier restore has put back of them.
func (m *merge) shorten(ids map[string]bool, s stock, count rotatelog.CountFunc) error {
	if len(ids) == 0 {
		return nil
	}
	for _, u := range m.made {
		if err := s.addUpload(u, true); err != nil {
			return err
		}
	}
	back := m.back
	m.back = nil
	for _, b := range back {
		if !ids[b.ID] {
			m.back = append(m.back, b)
			continue
		}
		left, _, err := without(b.DayUpload, s, count)
		if err != nil {
			return err
		}
		delete(m.ids, b.ID)
		if left.fetches > 0 {
			rest := left.upload(b.DayUpload, m.has)
			m.ids[rest.ID] = rest
			m.back = append(m.back, PutBack{DayUpload: rest, From: b.From})
		}
	}
	return nil
}
