package rotatelog

import (
	"testing"
	"time"
)

// TestBatchName spells out the names of batches, which hold everything that is known
// about them.
func TestBatchName(t *testing.T) {
	b := batch{day: testDay, order: 7, first: 61, last: 70, sealed: time.Date(2025, 7, 10, 19, 45, 22, 0, time.UTC), id: "aBc123XyZ456"}
	const name = "2025-07-10-00000007-000061-000070-20250710T194522Z-aBc123XyZ456"
	for suffix, sequence := range map[string]int{"": 0, "-000012": 12} {
		for pack, infix := range map[Compression]string{Uncompressed: "", Zstd: "-zst", Gzip: "-gz"} {
			for _, place := range []string{"", "p0123abcd"} {
				if place != "" && sequence == 0 {
					continue
				}
				b.sequence, b.pack, b.place = sequence, pack, place
				want := name + infix + suffix + ".json"
				if place != "" {
					want = name + infix + "-" + place + suffix + ".json"
				}
				if got := b.fileName(); got != want {
					t.Errorf("%q, want %q", got, want)
				}
				if got, ok := parseBatch(want); !ok || got != b {
					t.Errorf("%s: %+v, %v, want %+v", want, got, ok, b)
				}
				if got, ok := parseBatch(want + ".zst"); !ok || got != b.twin() || got.fileName() != want+".zst" {
					t.Errorf("%s.zst: %+v, %v, want %+v", want, got, ok, b.twin())
				}
			}
		}
	}
	for _, odd := range []string{"-", "-none", "-zstd", "-zst-", "-zst-gz", "-zst-0", "-zst-000000", "-000012-zst", "-zst-12", "-zst-000012-1", "-p0123abcd", "-p0123abcd-000000", "-p0123abc-000012", "-000012-p0123abcd", "-p0123abcd-zst-000012"} {
		if b, ok := parseBatch(name + odd + ".json"); ok {
			t.Errorf("%s was taken for %+v", odd, b)
		}
	}
	for _, end := range []string{"", ".zst", ".json.gz", ".json.zst.zst", ".json.new", ".json.zst.new"} {
		if b, ok := parseBatch(name + end); ok {
			t.Errorf("%s was taken for %+v", end, b)
		}
	}
}

// TestClosedFileNamesObjects spells out how closed.json names objects.
func TestClosedFileNamesObjects(t *testing.T) {
	for o, want := range map[dayKey]string{{testDay, Uncompressed}: "2025-07-10", {testDay, Zstd}: "2025-07-10-zst", {testDay, Gzip}: "2025-07-10-gz"} {
		b, err := o.MarshalText()
		var got dayKey
		if err != nil || string(b) != want || got.UnmarshalText(b) != nil || got != o {
			t.Errorf("%+v is %s, %v, and then %+v", o, b, err, got)
		}
	}
	for _, odd := range []string{"", "2025-07-10-", "2025-07-10-none", "2025-07-10-zst-gz", "-zst"} {
		var o dayKey
		if o.UnmarshalText([]byte(odd)) == nil {
			t.Errorf("%q was taken for %+v", odd, o)
		}
	}
}
