package archive

import (
	"cmp"
	"slices"

	"example.com/rotatelog"
)

// damaged is a batch of a spool of which not all can be read.
type damaged struct {
	rotatelog.DayUpload
	from string // the source
}

// addDamaged puts back what can be read of batches that no source has whole. Of two copies
// the one with more fetches counts. It keeps its id: the Writer of the spool would upload
// it again under that.
func (m *merge) addDamaged() (partial []Partial, err error) {
	slices.SortStableFunc(m.damaged, func(a, b damaged) int { return cmp.Compare(a.Lacks, b.Lacks) })
	for _, d := range m.damaged {
		if d.FetchCount == 0 || m.has(d.ID) {
			continue
		}
		if err := m.add(d.from, d.DayUpload); err != nil {
			return nil, err
		}
		partial = append(partial, Partial{Was: d.ID, As: d.ID, Fetches: d.FetchCount, Of: d.FetchCount + d.Lacks})
	}
	return partial, nil
}
