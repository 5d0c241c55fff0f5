package rotatelog_test

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/storetest"
)

// testReadWhileItGrows replaces the object, between any two connections, by a longer one.
func testReadWhileItGrows(t *testing.T, mem *storetest.Mem, day readDay) {
	want := wantUploads(t, day.key, day.content).Uploads
	for at := 1; ; at += depth.N(7, 3, 1) {
		reads := 0
		day.putIn(mem, day.key)
		s := &torn{Store: mem, each: 150}
		d := openDay(t, s, day.key)
		s.before = func() {
			if reads++; reads == at || reads == at+3 {
				day.longer[min(1, reads-at)].putIn(mem, day.key)
			}
		}
		from := at % 5 // with and without a search
		rest := slices.DeleteFunc(slices.Clone(want), func(u dayUpload) bool { return u.Sequence < from })
		if got, err := readUploads(d.UploadsFrom(t.Context(), from), nil); err != nil || len(rest)+len(got) > 0 && !cmp.Equal(rest, got) {
			t.Fatalf("from upload %d, replaced before read %d: %v\n%s", from, at, err, cmp.Diff(rest, got))
		}
		if reads < at && from == 0 {
			break
		}
	}
}

// testReadWhileItBecomesAnother replaces the object by one that does not begin as it did.
func testReadWhileItBecomesAnother(t *testing.T, mem *storetest.Mem, day readDay) {
	want := wantUploads(t, day.key, day.content).Uploads
	other := map[string]func(){
		"deleted": func() { mem.Delete(day.key) },
		"shorter": func() { mem.Put(day.key, []byte(`{"uploads":[]}`), nil) },
		"no day":  func() { mem.Put(day.key, []byte(`<html>`), nil) },
		"empty":   func() { mem.Put(day.key, nil, nil) },
	}
	for name, replace := range other {
		for at := 1; ; at += depth.N(11, 5, 1) {
			day.putIn(mem, day.key)
			s := &torn{Store: mem, each: 150}
			d := openDay(t, s, day.key)
			reads := 0
			s.before = func() {
				if reads++; reads == at {
					replace()
				}
			}
			got, err := readUploads(d.Uploads(t.Context()), nil)
			if reads < at {
				break
			}
			if err == nil || len(got) > len(want) || !cmp.Equal(want[:len(got)], got, cmp.Transformer("nil", func(u []dayUpload) []dayUpload { return append([]dayUpload{}, u...) })) {
				t.Fatalf("%s before read %d: %v, %d uploads", name, at, err, len(got))
			}
			if !errors.Is(err, rotatelog.ErrReplaced) && !errors.Is(err, rotatelog.ErrPermanent) || errors.Is(err, fs.ErrNotExist) { // there was one
				t.Fatalf("%s before read %d: %v", name, at, err)
			}
		}
	}
}

// testReadWhileItsUploadsChange: the object is as long, and its uploads have other ids.
func testReadWhileItsUploadsChange(t *testing.T, mem *storetest.Mem, day readDay) {
	if day.pack != rotatelog.Uncompressed { // where a text cannot be changed simply
		return
	}
	s := &torn{Store: mem, each: 150}
	d := openDay(t, s, day.key)
	steps := 0
	_, err := readUploads(d.Uploads(t.Context()), func() {
		if steps++; steps == 4 { // in the second upload
			changed := bytes.ReplaceAll(day.content, []byte("ID0000"), []byte("IE0000"))
			changed = bytes.ReplaceAll(changed, []byte("12/31/1999 09:10:00 AM"), []byte("12/31/1999 09:10:01 AM"))
			mem.Put(day.key, changed, nil)
		}
	})
	if !errors.Is(err, rotatelog.ErrReplaced) {
		t.Errorf("error %v", err)
	}
}
