package s3store_test

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// streamOf returns a part that yields text, and counts in opened how often it is opened.
func streamOf(text string, opened *int) rotatelog.Part {
	return rotatelog.Stream(int64(len(text)), func() (io.ReadCloser, error) {
		*opened++
		return io.NopCloser(strings.NewReader(text)), nil
	})
}

// digits returns n bytes, no two hundred of which are the same.
func digits(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d,", i)
	}
	return b.String()[:n]
}

// streamProfiles are servers that take parts and copy them, that take parts only, and
// that take neither where keys are shared.
func streamProfiles() []fakes3.Profile {
	noCopy := fakes3.Strict()
	noCopy.Name, noCopy.NoCopyPart = "no copying", true
	return []fakes3.Profile{fakes3.Strict(), fakes3.Linode(), noCopy, fakes3.NoConditions(), fakes3.Rclone()}
}

// TestStreamsAroundPartBounds: streams of all sizes up to five parts, alone, between
// data and before a copy.
func TestStreamsAroundPartBounds(t *testing.T) {
	t.Parallel()
	old := digits(1000)
	for _, profile := range streamProfiles() {
		t.Run(profile.Name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			store, srv := s3test.NewSmallParts(profile, s3store.Options{TempDir: dir})
			opened, writes := 0, 0
			write := func(want string, old rotatelog.Version, parts ...rotatelog.Part) {
				t.Helper()
				writes++
				s3test.Write(t, store, "key", old, nil, parts...)
				s3test.WantContent(t, store, "key", want)
			}
			write(old, "", rotatelog.Data([]byte(old)))
			writes = 0
			for n := 1; n <= 750; n += depth.N(29, 7, 1) {
				text := digits(n)
				write(text, s3test.Stat(t, store, "key").Version, streamOf(text, &opened))
				write("<"+text+">", s3test.Stat(t, store, "key").Version, rotatelog.Data([]byte("<")), streamOf(text, &opened), rotatelog.Data([]byte(">")))
				write(old, s3test.Stat(t, store, "key").Version, rotatelog.Data([]byte(old)))
				write(text+old[10:]+"!", s3test.Stat(t, store, "key").Version, streamOf(text, &opened), rotatelog.Copy(10, 990), rotatelog.Data([]byte("!")))
				write(text[:n/2], s3test.Stat(t, store, "key").Version, rotatelog.Copy(0, int64(n/2)))
				writes -= 2
			}
			if opened != writes {
				t.Errorf("streams were opened %d times in %d writes", opened, writes)
			}
			s3test.WantOpen(t, srv)
			wantEmptyDir(t, dir)
		})
	}
}

func wantEmptyDir(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left in %s: %v, %v", dir, left, err)
	}
}

// TestFailedStreamsLeaveNothing: no object, no open upload, no file. Nothing is said about
// the server, which has done nothing wrong.
func TestFailedStreamsLeaveNothing(t *testing.T) {
	t.Parallel()
	broken := errors.New("the stream broke")
	text := digits(1000)
	for _, profile := range streamProfiles() {
		for name, c := range map[string]struct {
			open func() (io.Reader, error)
			want string
		}{
			"short": {func() (io.Reader, error) { return strings.NewReader(text[1:]), nil }, "ends after 999 of 1000 bytes"},
			"long":  {func() (io.Reader, error) { return strings.NewReader(text + "x"), nil }, "has more than 1000 bytes"},
			"breaks": {func() (io.Reader, error) {
				return io.MultiReader(strings.NewReader(text[:700]), iotest.ErrReader(broken)), nil
			}, "broke"},
			"breaks like a connection": {func() (io.Reader, error) {
				return io.MultiReader(strings.NewReader(text[:700]), iotest.ErrReader(io.ErrUnexpectedEOF)), nil
			}, "unexpected EOF"},
			"does not open": {func() (io.Reader, error) { return nil, broken }, "cannot be opened"},
		} {
			t.Run(profile.Name+" "+name, func(t *testing.T) {
				dir := t.TempDir()
				store, srv := s3test.NewSmallParts(profile, s3store.Options{TempDir: dir})
				s3test.Write(t, store, "key", "", nil, rotatelog.Data([]byte(text)))
				v := s3test.Stat(t, store, "key").Version
				bad := rotatelog.Stream(1000, func() (io.ReadCloser, error) {
					r, err := c.open()
					return io.NopCloser(r), err
				})
				for _, parts := range [][]rotatelog.Part{{rotatelog.Data([]byte("x")), bad}, {rotatelog.Copy(0, 900), bad}} {
					err := store.Write(t.Context(), "key", v, parts, nil)
					e, ok := errors.AsType[*rotatelog.Error](err)
					if !ok || e.Hint != "" || !strings.Contains(err.Error(), "part 1, a stream: ") || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3.test") {
						t.Errorf("%v", err)
					}
				}
				s3test.WantContent(t, store, "key", text)
				s3test.WantOpen(t, srv)
				wantEmptyDir(t, dir)
			})
		}
	}
}

// TestPartOfAStreamIsSentAgain from its buffer: the source cannot be read twice.
func TestPartOfAStreamIsSentAgain(t *testing.T) {
	t.Parallel()
	store, srv := s3test.NewSmallParts(fakes3.Linode(), s3store.Options{})
	s3test.Prove(t, store, srv)
	srv.Fault = func(op fakes3.Op) fakes3.Fault {
		if op.Name == "UploadPart" && op.N%3 == 1 {
			return fakes3.Fault{Drop: true}
		}
		return fakes3.Fault{}
	}
	text, opened := digits(1000), 0
	s3test.Write(t, store, "key", "", nil, streamOf(text, &opened))
	s3test.WantContent(t, store, "key", text)
	if n := srv.Stats().Requests["UploadPart"]; opened != 1 || n <= 6 {
		t.Errorf("the stream was opened %d times, and %d parts were sent", opened, n)
	}
}

// TestStreamIsNotReadWhereTheServerDoesNotCopy before that is known.
func TestStreamIsNotReadWhereTheServerDoesNotCopy(t *testing.T) {
	t.Parallel()
	profile := fakes3.Linode()
	profile.NoCopyPart = true
	dir := t.TempDir()
	store, srv := s3test.NewSmallParts(profile, s3store.Options{TempDir: dir})
	old, text, opened := digits(1000), digits(290), 0
	s3test.Write(t, store, "key", "", nil, rotatelog.Data([]byte(old)))
	for range 4 {
		v := s3test.Stat(t, store, "key").Version
		s3test.Write(t, store, "key", v, nil, streamOf(text, &opened), rotatelog.Copy(0, 1000))
		s3test.WantContent(t, store, "key", text+old)
		old = (text + old)[:1000]
	}
	if opened != 4 {
		t.Errorf("streams were opened %d times, want 4", opened)
	}
	s3test.WantOpen(t, srv)
	wantEmptyDir(t, dir)
}

// TestStreamsOfASharedKey go through a file where Complete ignores conditions.
func TestStreamsOfASharedKey(t *testing.T) {
	depth.SkipInShort(t)
	t.Parallel()
	dir := t.TempDir()
	store, srv := s3test.NewSmallParts(fakes3.Linode(), s3store.Options{Shared: true, TempDir: dir})
	text, opened := digits(1000), 0
	s3test.Write(t, store, "key", "", nil, streamOf(text, &opened))
	s3test.WantContent(t, store, "key", text)
	if st := srv.Stats(); opened != 1 || len(srv.Uploads(s3test.Bucket)) != 0 {
		t.Errorf("opened %d times: %v", opened, st.Requests)
	}
	wantEmptyDir(t, dir)
}

// pattern yields the same bytes without end, and counts them.
type pattern struct{ read *atomic.Int64 }

func (e pattern) Read(p []byte) (int, error) {
	n := len(p)
	for filled := copy(p, "0123456789abcdef"); filled < n; filled *= 2 {
		copy(p[filled:], p[:filled])
	}
	e.read.Add(int64(n))
	return n, nil
}

// swallow answers what sends parts, and keeps none of it.
type swallow struct {
	http.RoundTripper
	received *atomic.Int64
}

func (s swallow) RoundTrip(req *http.Request) (*http.Response, error) {
	query := req.URL.Query()
	if !query.Has("uploadId") || req.Method == http.MethodGet || s3test.IsProof(req.URL.Path) {
		return s.RoundTripper.RoundTrip(req)
	}
	answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}
	if req.Method == http.MethodPut {
		hash := md5.New()
		n, err := io.Copy(hash, req.Body)
		if err != nil {
			return nil, err
		}
		s.received.Add(n)
		answer.Header.Set("Etag", `"`+hex.EncodeToString(hash.Sum(nil))+`"`)
		return answer, nil
	}
	const done = `<CompleteMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><ETag>"x"</ETag></CompleteMultipartUploadResult>`
	answer.Body = io.NopCloser(strings.NewReader(done))
	return answer, nil
}

// TestLargeStreamIsNotHeld: of a gigabyte, some buffers are in memory at a time.
func TestLargeStreamIsNotHeld(t *testing.T) {
	size := int64(depth.N(128, 256, 1024)) << 20
	var read, received, mostHeld, largest atomic.Int64
	srv, client := s3test.NewFake(fakes3.Options{Profile: fakes3.Strict()})
	store := s3test.NewStore(s3test.Through(client, srv, func(rt http.RoundTripper) http.RoundTripper { return swallow{rt, &received} }), s3store.Options{})
	s3test.Prove(t, store, srv)
	defer debug.SetGCPercent(debug.SetGCPercent(100)) // the limit below counts garbage, too
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	source := io.LimitReader(pattern{&read}, size)
	watched := readerFunc(func(p []byte) (int, error) {
		n, err := source.Read(p)
		if held := read.Load() - received.Load(); held > mostHeld.Load() {
			mostHeld.Store(held)
		}
		if read.Load()>>20 != (read.Load()-int64(n))>>20 {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			largest.Store(max(largest.Load(), int64(now.HeapAlloc)-int64(before.HeapAlloc)))
		}
		return n, err
	})
	s3test.Write(t, store, "key", "", nil, rotatelog.Stream(size, func() (io.ReadCloser, error) { return io.NopCloser(watched), nil }))
	if received.Load() != size {
		t.Errorf("%d of %d bytes arrived", received.Load(), size)
	}
	if mostHeld.Load() > 40<<20 {
		t.Errorf("%d MiB were read and had not arrived, want at most 40", mostHeld.Load()>>20)
	}
	if largest.Load() > 120<<20 {
		t.Errorf("the heap grew by %d MiB, want at most 120", largest.Load()>>20)
	}
	t.Logf("of %d MiB at most %d were held; the heap grew by at most %d", size>>20, mostHeld.Load()>>20, largest.Load()>>20)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
