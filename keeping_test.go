package rotatelog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// keptNow is when the batches of these tests are looked at.
func keptNow() time.Time { return time.Date(2025, 7, 10, 12, 0, 0, 0, time.UTC) }

// keptAt returns confirmed batches of 10 bytes that were sealed so long ago.
func keptAt(ages ...time.Duration) []keptBatch {
	var all []keptBatch
	for i, age := range ages {
		all = append(all, keptBatch{batch{order: i + 1, sealed: keptNow().Add(-age), id: fmt.Sprint(i + 1)}, 10})
	}
	return all
}

func ordersOf(batches []batch) []int {
	var orders []int
	for _, b := range batches {
		orders = append(orders, b.order)
	}
	return orders
}

func TestKeeping(t *testing.T) {
	const h = time.Hour
	hours := func(ages ...int) []keptBatch {
		var all []time.Duration
		for _, age := range ages {
			all = append(all, time.Duration(age)*h)
		}
		return keptAt(all...)
	}
	for name, test := range map[string]struct {
		keep keeping
		all  []keptBatch
		gone []int
	}{
		"none":                        {keeping{2, 48 * h, 100}, nil, nil},
		"fewer than stay":             {keeping{5, -1, 0}, hours(90, 80, 70), nil},
		"only the last":               {keeping{2, -1, -1}, hours(4, 3, 2, 1), []int{1, 2}},
		"by age":                      {keeping{2, 48 * h, -1}, hours(90, 48, 47, 2, 1), []int{1, 2}},
		"the last, however old":       {keeping{2, 48 * h, -1}, hours(90, 80, 70, 60), []int{1, 2}},
		"as many bytes":               {keeping{1, 48 * h, 30}, hours(5, 4, 3, 2, 1), []int{1, 2}},
		"one byte too many":           {keeping{1, 48 * h, 29}, hours(5, 4, 3, 2, 1), []int{1, 2, 3}},
		"the last, however large":     {keeping{3, 48 * h, 5}, hours(5, 4, 3, 2, 1), []int{1, 2}},
		"no bound":                    {keeping{1, 48 * h, -1}, hours(5, 4, 3, 2, 1), nil},
		"a clock that was set back":   {keeping{1, 48 * h, -1}, hours(-5, 50, 3, 2), []int{2}},
		"old ones take no room":       {keeping{1, 48 * h, 30}, hours(3, 50, 50, 2, 1), []int{2, 3}},
		"what is older than too much": {keeping{1, 48 * h, 25}, append(hours(4, 3), keptBatch{hours(0, 0, 2)[2].batch, 1}, hours(0, 0, 0, 1)[3]), []int{1}},
	} {
		if got := ordersOf(test.keep.overdue(test.all, keptNow())); !slices.Equal(got, test.gone) {
			t.Errorf("%s: %d go, want %d", name, got, test.gone)
		}
	}
}

// TestKeepingHolds for random batches: the last stay, and of the others those that are
// young and fit; what goes is older than what stays for want of room.
func TestKeepingHolds(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 0))
	for range 2000 {
		k := keeping{1 + rng.IntN(4), time.Duration(rng.IntN(60)-5) * time.Hour, rng.Int64N(150) - 10}
		var all []keptBatch
		for range rng.IntN(12) {
			all = append(all, keptAt(time.Duration(rng.IntN(72))*time.Hour)...)
			all[len(all)-1].order, all[len(all)-1].size = len(all), rng.Int64N(30)
		}
		gone := map[int]bool{}
		for _, order := range ordersOf(k.overdue(all, keptNow())) {
			gone[order] = true
		}
		var size, last int64
		for i, b := range slices.Backward(all) {
			young := k.age >= 0 && keptNow().Sub(b.sealed) < k.age
			switch {
			case i >= len(all)-k.last:
				last += b.size
				if gone[b.order] {
					t.Fatalf("%+v of %+v: one of the last goes", k, all)
				}
			case !gone[b.order] && !young:
				t.Fatalf("%+v of %+v: %d stays, too old", k, all, b.order)
			}
			if !gone[b.order] {
				size += b.size
			} else if young && (k.bytes < 0 || size+b.size <= k.bytes) && !olderThanGone(all[i+1:], gone, k) {
				t.Fatalf("%+v of %+v: %d goes, young and small enough", k, all, b.order)
			}
		}
		if k.bytes >= 0 && size > max(k.bytes, last) {
			t.Fatalf("%+v of %+v: %d bytes stay", k, all, size)
		}
	}
}

// olderThanGone reports whether a young one among newer ones went for want of room.
func olderThanGone(newer []keptBatch, gone map[int]bool, k keeping) bool {
	return slices.ContainsFunc(newer, func(b keptBatch) bool { return gone[b.order] && keptNow().Sub(b.sealed) < k.age })
}

func TestToCompress(t *testing.T) {
	const mb = 1 << 20
	sized := func(sizes ...int64) []keptBatch {
		all := keptAt(make([]time.Duration, len(sizes))...)
		for i, size := range sizes {
			all[i].zst, all[i].size = size < 0, max(size, -size)
		}
		return all
	}
	for name, test := range map[string]struct {
		last int
		all  []keptBatch
		want int // 0: none
	}{
		"none":                        {10, nil, 0},
		"small ones":                  {3, sized(5, 5, 5), 0},
		"one too many":                {3, sized(5, 5, 5, 5), 1},
		"the newest of too many":      {3, sized(5, 5, 5, 5, 5, 5), 3},
		"what is compressed":          {3, sized(5, -5, -5, 5, 5, 5), 1},
		"all that there is to do":     {3, sized(-5, -5, 5, 5, 5), 0},
		"one of 46 MB":                {10, sized(46 * mb), 0},
		"two of 46 MB":                {10, sized(46*mb, 46*mb), 1},
		"the last, however large":     {10, sized(-2*mb, 900*mb), 0},
		"those before a large one":    {10, sized(mb, mb, 900*mb), 2},
		"as much as may be":           {10, sized(32*mb, 32*mb), 0},
		"one byte more":               {10, sized(32*mb+1, 32*mb), 1},
		"with compressed ones, later": {2, sized(mb, -mb, mb), 1},
	} {
		first := 0
		if next := toCompress(test.all, test.last); len(next) > 0 {
			first = next[0].order
		}
		if first != test.want {
			t.Errorf("%s: batch %d, want %d", name, first, test.want)
		}
	}
}
