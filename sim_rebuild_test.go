package rotatelog_test

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"strings"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/storetest"
)

// rebuild has another process on the host write one of its days again, from the uploads
// that it has, as a restore does. The Writer continues meanwhile. Nothing may be lost,
// doubled or changed by that, wherever it ends.
func (s *sim) rebuild(h *host) {
	day := h.today()
	if s.packs.IntN(3) == 0 {
		day = rotatelog.DayOf(h.clock.Now().AddDate(0, 0, -1), h.zone)
	}
	p, cfg := h.newProcess()
	if p.doom = s.packs.IntN(120); s.packs.IntN(2) == 0 {
		p.doom = 0
	}
	h.note("rebuild %v, killed after %d operations", day, p.doom)
	ctx, cancel := within(time.Duration(s.packs.IntN(60)) * time.Second)
	defer cancel()
	m, err := rotatelog.OpenMaintenance(ctx, cfg)
	if err != nil {
		h.note("maintenance: %v", err)
		return
	}
	defer m.Close()
	for _, key := range h.mem.Keys() {
		if strings.Contains(key, day.String()) && strings.HasPrefix(key, cmp.Or(h.cfg.Prefix, "all_api_rotating_logs/")) {
			h.note("rebuilt: %v", s.rebuildObject(ctx, m, day, key))
		}
	}
}

func (s *sim) rebuildObject(ctx context.Context, m *rotatelog.Maintenance, day rotatelog.Day, key string) error {
	pack := map[bool]rotatelog.Compression{strings.HasSuffix(key, ".zst"): rotatelog.Zstd, strings.HasSuffix(key, ".gz"): rotatelog.Gzip}[true]
	d, err := m.LockDay(ctx, day, pack)
	if err != nil {
		return err
	}
	defer d.Unlock()
	obj, err := d.Resolve(ctx)
	if err != nil {
		return err
	}
	uploads, err := uploadsIn(key, s.mem.Bytes(key))
	if err != nil {
		return err
	}
	_, err = d.Write(ctx, obj.Version, uploads)
	return err
}

// uploadsIn returns the uploads of a day's object.
func uploadsIn(key string, content []byte) ([]rotatelog.DayUpload, error) {
	mem := storetest.NewMem()
	mem.Put(key, content, nil)
	day, err := rotatelog.OpenDay(context.Background(), mem, key, rotatelog.ReadOptions{})
	if err != nil {
		return nil, err
	}
	var uploads []rotatelog.DayUpload
	for u, err := range day.Uploads(context.Background()) {
		if err != nil {
			return nil, err
		}
		var fetches [][]byte
		for fetch, err := range u.Fetches() {
			if err != nil {
				return nil, err
			}
			fetches = append(fetches, bytes.Clone(fetch))
		}
		text := bytes.Join(fetches, []byte(",\n"))
		uploads = append(uploads, rotatelog.DayUpload{Sequence: u.Sequence, Timestamp: u.Timestamp, Matches: u.Matches, FetchCount: len(fetches),
			ID: u.ID, SHA256: u.SHA256, Size: int64(len(text)),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }})
	}
	return uploads, nil
}
