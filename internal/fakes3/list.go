package fakes3

import (
	"cmp"
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const maxPage = 1000

// pageSize returns a query parameter that limits how much is listed.
func (q *request) pageSize(name string) (int, error) {
	v := q.query.Get(name)
	if v == "" {
		return maxPage, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return 0, invalidArgument("%s must not be negative.", name)
	}
	return min(n, maxPage), nil
}

// keys returns the keys that have a current object, sorted.
func (b *bucket) keys() []string {
	keys := slices.Sorted(maps.Keys(b.objects))
	return slices.DeleteFunc(keys, func(key string) bool { return b.current(key) == nil })
}

// listing is one page of keys and common prefixes.
type listing struct {
	keys     []string
	prefixes []string
	last     string // the last of both, where there is more
}

// list returns the page of at most limit keys and common prefixes that follows
// after.
func (b *bucket) list(prefix, delimiter, after string, limit int) listing {
	var page listing
	var last string
	for _, key := range b.keys() {
		item, grouped := key, false
		if rest, ok := strings.CutPrefix(key, prefix); !ok || key <= after {
			continue
		} else if i := strings.Index(rest, delimiter); delimiter != "" && i >= 0 {
			item, grouped = key[:len(prefix)+i+len(delimiter)], true
		}
		if grouped && (item == last || item == after) {
			continue
		}
		if len(page.keys)+len(page.prefixes) == limit {
			page.last = last
			break
		}
		if last = item; grouped {
			page.prefixes = append(page.prefixes, item)
		} else {
			page.keys = append(page.keys, item)
		}
	}
	return page
}

func (s *Server) listObjects(q *request) (reply, error) {
	limit, err := q.pageSize("max-keys")
	if err != nil {
		return reply{}, err
	}
	write := func(key string) string { return key }
	switch coding := q.query.Get("encoding-type"); coding {
	case "":
	case "url":
		write = func(key string) string { return escape(key, true) }
	default:
		return reply{}, invalidArgument("The encoding type must be url.")
	}
	token := q.query.Get("continuation-token")
	after, err := base64.URLEncoding.DecodeString(token)
	if q.query.Get("list-type") != "2" || err != nil {
		return reply{}, invalidArgument("The list type must be 2, and the continuation token one that was given.")
	}
	if token == "" {
		after = []byte(q.query.Get("start-after"))
	}
	page := q.bucket.list(q.query.Get("prefix"), q.query.Get("delimiter"), string(after), limit)
	doc := listObjectsDocument{
		Name: q.bucket.name, Prefix: write(q.query.Get("prefix")), Delimiter: write(q.query.Get("delimiter")),
		StartAfter: write(q.query.Get("start-after")), EncodingType: q.query.Get("encoding-type"),
		KeyCount: len(page.keys) + len(page.prefixes), MaxKeys: limit, IsTruncated: page.last != "",
		ContinuationToken: token, NextContinuationToken: base64.URLEncoding.EncodeToString([]byte(page.last)),
	}
	for _, key := range page.keys {
		o := q.bucket.current(key)
		doc.Contents = append(doc.Contents, objectEntry{write(key), timestamp(o.modified), quote(o.etag), o.size, "STANDARD"})
	}
	for _, prefix := range page.prefixes {
		doc.CommonPrefixes = append(doc.CommonPrefixes, prefixEntry{write(prefix)})
	}
	return documentReply(doc), nil
}

// openUploads returns the open uploads by key, and within a key in the order in
// which they began.
func (b *bucket) openUploads() []*upload {
	return slices.SortedFunc(maps.Values(b.uploads), func(x, y *upload) int {
		return cmp.Or(cmp.Compare(x.key, y.key), cmp.Compare(x.id, y.id))
	})
}

func (s *Server) listMultipartUploads(q *request) (reply, error) {
	limit, err := q.pageSize("max-uploads")
	if err != nil {
		return reply{}, err
	}
	if s.opts.Profile.NoUploadsIsNoUpload && len(q.bucket.uploads) == 0 {
		return reply{}, errNoSuchUpload
	}
	doc := listUploadsDocument{
		Bucket: q.bucket.name, Prefix: q.query.Get("prefix"), MaxUploads: limit,
		KeyMarker: q.query.Get("key-marker"), UploadIDMarker: q.query.Get("upload-id-marker"),
	}
	for _, u := range q.bucket.openUploads() {
		if s.opts.Profile.UploadsByKey && doc.Prefix != "" && u.key != doc.Prefix {
			continue
		}
		if !strings.HasPrefix(u.key, doc.Prefix) || !u.follows(doc.KeyMarker, doc.UploadIDMarker) {
			continue
		}
		if len(doc.Uploads) == limit {
			doc.IsTruncated = limit > 0
			break
		}
		doc.Uploads = append(doc.Uploads, uploadEntry{u.key, u.id, timestamp(u.initiated), "STANDARD"})
		doc.NextKeyMarker, doc.NextUploadIDMarker = u.key, u.id
	}
	if !doc.IsTruncated {
		doc.NextKeyMarker, doc.NextUploadIDMarker = "", ""
	}
	return documentReply(doc), nil
}

// follows reports whether u comes after the markers. Without one for the id,
// all uploads of the marked key come before it.
func (u *upload) follows(key, id string) bool {
	return u.key > key || u.key == key && id != "" && u.id > id
}

func (s *Server) listParts(q *request) (reply, error) {
	u, err := q.upload()
	if err != nil && s.opts.Profile.NoUploadIsNoKey {
		err = errNoSuchKey
	}
	if err != nil {
		return reply{}, err
	}
	limit, err := q.pageSize("max-parts")
	if err != nil {
		return reply{}, err
	}
	marker, err := strconv.Atoi(cmp.Or(q.query.Get("part-number-marker"), "0"))
	if err != nil {
		return reply{}, invalidArgument("The part number marker must be a number.")
	}
	doc := listPartsDocument{Bucket: q.bucket.name, Key: u.key, UploadID: u.id, PartNumberMarker: marker, MaxParts: limit}
	for _, n := range slices.Sorted(maps.Keys(u.parts)) {
		if n <= marker {
			continue
		}
		if len(doc.Parts) == limit {
			doc.IsTruncated = limit > 0
			break
		}
		p := u.parts[n]
		doc.Parts = append(doc.Parts, partEntry{n, timestamp(p.modified), quote(p.etag()), p.size})
		doc.NextPartNumberMarker = n
	}
	return documentReply(doc), nil
}
