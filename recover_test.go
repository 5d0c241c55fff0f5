package rotatelog

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog/internal/vfs"
)

// TestRecoveryPlan: what Open does for each state that an earlier Writer may have
// left, as docs/ARCHITECTURE.md lists them.
func TestRecoveryPlan(t *testing.T) {
	today, fetchDay := testDay.Next(), Day{2025, 7, 8}
	array, other := vfs.ID{Dev: 1, Ino: 1}, vfs.ID{Dev: 1, Ino: 2}
	sealed := func(order, first, last int) batch {
		return batch{day: testDay, order: order, first: first, last: last, id: "ID"}
	}
	confirmed := func(order, first, last int) batch {
		b := sealed(order, first, last)
		b.sequence = 1
		return b
	}
	last := func(number int) []lastNumber { return []lastNumber{{Day: testDay, Number: number}} }
	holds := func(n int) foundArray {
		return foundArray{exists: true, info: vfs.Info{ID: array}, records: make([][]byte, n)}
	}
	saved := progress{Day: testDay, First: 1, Order: 1}
	copied := progress{Day: testDay, First: 1, Order: 1, Copied: true}
	two := []batch{confirmed(1, 1, 10), sealed(2, 11, 20)}
	atFirst, atTenth := progress{Day: testDay, First: 1, Order: 1}, progress{Day: testDay, First: 11, Order: 2, Last: last(10)}
	resumed := func(b batch, next sealStep) *sealing { return &sealing{batch: b, reason: reasonResumed, next: next} }

	for name, tt := range map[string]struct {
		found foundSpool
		want  recoveryPlan
	}{
		"nothing": {
			foundSpool{array: foundArray{rewrite: true}},
			recoveryPlan{progress: progress{Day: today, First: 1, Order: 1}, replace: true},
		},
		"a batch being filled": {
			foundSpool{progress: saved, array: holds(3)},
			recoveryPlan{progress: saved, saved: true},
		},
		"an empty array": {
			foundSpool{progress: saved, array: holds(0)},
			recoveryPlan{progress: saved, saved: true},
		},
		"an array that is cut or in another form": {
			foundSpool{progress: saved, array: foundArray{exists: true, records: make([][]byte, 2), rewrite: true}},
			recoveryPlan{progress: saved, saved: true, replace: true},
		},
		"no array": {
			foundSpool{progress: saved, array: foundArray{rewrite: true}},
			recoveryPlan{progress: saved, saved: true, replace: true, arrayLost: true},
		},
		"no array, and batches sealed since batch.json": {
			foundSpool{names: two[:1], progress: saved, array: foundArray{rewrite: true}},
			recoveryPlan{progress: atTenth, saved: true, replace: true, arrayLost: true},
		},
		"killed": {
			foundSpool{progress: saved, array: holds(3), unclean: true},
			recoveryPlan{progress: saved, replace: true, inDoubt: true, save: true},
		},
		"killed with an empty array": {
			foundSpool{progress: saved, array: holds(0), unclean: true},
			recoveryPlan{progress: saved, replace: true, inDoubt: true},
		},
		"batch.json older than the newest batch": {
			foundSpool{names: two, progress: saved, array: holds(3), newest: two[1], newestFile: other},
			recoveryPlan{progress: progress{Day: testDay, First: 21, Order: 3, Last: last(20)}, saved: true},
		},
		"batch.json of another day than the newest batch": {
			foundSpool{names: two, progress: progress{Day: fetchDay, First: 1, Order: 1}, array: holds(3), newest: two[1], newestFile: other},
			recoveryPlan{progress: progress{Day: fetchDay, First: 1, Order: 3, Last: last(20)}, save: true},
		},
		"batch.json missing": {
			foundSpool{array: holds(3)},
			recoveryPlan{progress: progress{Day: fetchDay, First: 1, Order: 1}, save: true, progressLost: true},
		},
		"batch.json missing, with batches": {
			foundSpool{names: two, array: holds(3), newest: two[1], newestFile: other},
			recoveryPlan{progress: progress{Day: fetchDay, First: 1, Order: 3, Last: last(20)}, save: true, progressLost: true},
		},
		"batch.json missing, with batches and an empty array": {
			foundSpool{names: two, array: holds(0)},
			recoveryPlan{progress: progress{Day: testDay, First: 21, Order: 3, Last: last(20)}, progressLost: true},
		},
		"a seal interrupted": {
			foundSpool{names: two, progress: saved, array: holds(10), newest: two[1], newestFile: array},
			recoveryPlan{progress: atTenth, resume: resumed(two[1], linkBatch)},
		},
		"a seal interrupted, of a batch that is confirmed": {
			foundSpool{names: two[:1], progress: saved, array: holds(10), newest: two[0], newestFile: array},
			recoveryPlan{progress: atFirst, resume: resumed(two[0], emptyArray)},
		},
		"a seal interrupted, killed": {
			foundSpool{names: two, progress: saved, array: holds(10), unclean: true, newest: two[1], newestFile: array},
			recoveryPlan{progress: atTenth, resume: resumed(two[1], linkBatch)},
		},
		"a seal interrupted, batch.json missing": {
			foundSpool{names: two, array: holds(10), newest: two[1], newestFile: array},
			recoveryPlan{progress: atTenth, resume: resumed(two[1], linkBatch)},
		},
		"a seal by a copy interrupted": {
			foundSpool{names: two[:1], progress: copied, array: holds(10), newest: two[0], newestFile: other},
			recoveryPlan{progress: copied, resume: resumed(two[0], emptyArray)},
		},
		"a seal by a copy, over before batch.json was written": {
			foundSpool{names: two[:1], progress: copied, array: holds(0)},
			recoveryPlan{progress: progress{Day: testDay, First: 11, Order: 2, Last: last(10), Copied: true}},
		},
		"a seal by a copy, over": {
			foundSpool{names: two[:1], progress: progress{Day: testDay, First: 11, Order: 2, Last: last(10), Copied: true}, array: holds(3)},
			recoveryPlan{progress: progress{Day: testDay, First: 11, Order: 2, Last: last(10), Copied: true}, saved: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tt.found.plan(today, func([]byte, vfs.Info) Day { return fetchDay })
			if err != nil {
				t.Fatal(err)
			}
			all := cmp.AllowUnexported(recoveryPlan{}, sealing{}, batch{})
			if diff := cmp.Diff(tt.want, got, all); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestRecoveryPlanWithoutADay: a file of a year that has no name is not given to
// another day, and what is missing is reported all the same.
func TestRecoveryPlanWithoutADay(t *testing.T) {
	found := foundSpool{array: foundArray{exists: true, records: make([][]byte, 1)}}
	p, err := found.plan(testDay, func(_ []byte, file vfs.Info) Day { return DayOf(time.Time{}.AddDate(20_000, 0, 0), time.UTC) })
	if err == nil || !p.progressLost {
		t.Errorf("%+v, %v", p, err)
	}
}
