package rotatelog

import (
	"context"
	"io"
	"slices"
)

// inline returns parts with what they copy from a small object as Data. If that
// cannot be had they stay as they are: whoever writes them reads it, or says why
// not.
func (w *dayWorker) inline(ctx context.Context, seen snapshot, parts []Part, leastCopy int64) []Part {
	var copied int64
	for _, part := range parts {
		if part.Data == nil && part.Len >= leastCopy {
			return parts
		}
		if part.Data == nil {
			copied += part.Len
		}
	}
	if copied == 0 {
		return parts
	}
	head, body, err := w.spool.body(w.day, w.object())
	if err != nil || head.Version != seen.version || int64(len(body)) != seen.doc.size {
		var ok bool
		if body, ok = w.readBody(ctx, seen); !ok {
			return parts
		}
	}
	inlined := slices.Clone(parts)
	for i, part := range parts {
		if part.Data == nil {
			inlined[i] = Data(body[part.Off : part.Off+part.Len])
		}
	}
	return inlined
}

func (w *dayWorker) readBody(ctx context.Context, seen snapshot) ([]byte, bool) {
	r, err := w.cfg.Store.Read(ctx, w.key(), seen.version, 0, seen.doc.size)
	if err != nil {
		return nil, false
	}
	defer r.Close()
	body := make([]byte, seen.doc.size)
	_, err = io.ReadFull(r, body)
	return body, err == nil
}

// rememberBody keeps the body that was sent after base if it is what was seen then,
// and small enough to be sent again. Of a day that has outgrown that the object now
// holds what is kept.
func (w *dayWorker) rememberBody(base snapshot, sent []Part, doc dayState, after snapshot) {
	store, ok := w.cfg.Store.(IntentWriter)
	if !ok || doc.meta() == nil || doc.meta()[cacheKey] != after.doc.meta()[cacheKey] {
		return
	}
	if doc.size > store.MinCopy() {
		if _, head, err := w.spool.findBody(w.day, w.object()); err == nil && head.Version == base.version {
			w.spool.dropBody(w.day, w.object()) // or it stays until the day is closed
		}
		return
	}
	body := make([]byte, 0, doc.size)
	for _, part := range sent {
		if part.Data == nil {
			return
		}
		body = append(body, part.Data...)
	}
	head := w.object()
	head.Version = after.version
	w.spool.keepBody(w.day, head, base.version, body) // or the next append reads it
}

// forgetBody removes the body of a day that is closed, once its object was seen to hold
// all of it. Otherwise it stays.
func (w *dayWorker) forgetBody(ctx context.Context, seen snapshot) {
	_, head, err := w.spool.findBody(w.day, w.object())
	if err != nil {
		return
	}
	if head.Version != seen.version {
		_, body, err := w.spool.body(w.day, w.object())
		if err != nil {
			return
		}
		had, err := entriesOf(w.day, body)
		if err != nil {
			return
		}
		if seen, err = w.lookAtAll(ctx, seen); err != nil || len(lacking(had, seen.census.entries)) > 0 {
			return
		}
	}
	w.spool.dropBody(w.day, w.object())
}
