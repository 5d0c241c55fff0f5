package fakes3

import (
	"fmt"
	"strings"
)

// Profile says how a server differs from what AWS documents. Each switch names the
// row of the measurements, or the sentence, that it comes from; the zero value of
// each is AWS.
type Profile struct {
	Name string

	// Put, Complete, Delete, CopySource and Read say what becomes of conditions
	// on PutObject (If-Match, If-None-Match), CompleteMultipartUpload (the
	// same), DeleteObject (If-Match), UploadPartCopy (x-amz-copy-source-if-*)
	// and on GetObject and HeadObject. Rows "Complete IM stale, or INM:*
	// exists", "Delete IM stale", "UploadPartCopy CopySourceIfMatch stale", and
	// "ignores If-Match on GET", measured later. CopySource is assumed of CopyObject,
	// too: nothing was measured of it.
	Put, Complete, Delete, CopySource, Read Conditions

	// CopyTarget says what becomes of If-Match and If-None-Match on CopyObject. "AWS has
	// conditions on CopyObject's destination", measured later; others are assumed to
	// ignore them.
	CopyTarget Conditions

	// NotAtomic: PutObject looks at the conditions when the header has arrived,
	// and not again when it writes. Row "8 writers x 25 by Put IM".
	NotAtomic bool

	// LiteralIfMatch: PutObject compares If-Match with the bare ETag, so that
	// the quoted form, which the standard asks for, never matches. Row "Put IM
	// "quoted", current".
	LiteralIfMatch bool
	// MissingKeyFails: an If-Match on a key that is missing answers 412, not
	// 404. Row "Put IM, key missing".
	MissingKeyFails bool

	// VersionedIfMatchFails: in a versioned bucket If-Match on PutObject always
	// answers 412. Row "versioned bucket: Put IM current".
	VersionedIfMatchFails bool
	// VersionedIfNoneMatchIgnored: there, If-None-Match on PutObject is
	// ignored. Row "versioned bucket: Put INM:* exists".
	VersionedIfNoneMatchIgnored bool
	// VersionedNotAtomic: there, PutObject is NotAtomic. Row "versioned bucket: 8
	// writers by IM".
	VersionedNotAtomic bool

	// ReadFailsWhileReplaced: a GET answers 500 UnknownError if the object is replaced
	// before the answer begins; a HEAD does not. Found on RGW 16.2.15, where a GET in
	// thirty fails so while others write without a pause; it is not in the table.
	ReadFailsWhileReplaced bool

	// Repeated is the answer to CompleteMultipartUpload for an upload that is
	// not open: complete already, aborted, or never begun. Row "Complete a
	// second time", and "Complete of an unknown upload" under the table.
	Repeated Repeated
	// RepeatedETag is how the ETag is written in such an answer, if it is 200.
	RepeatedETag ETagForm
	// EveryPart: CompleteMultipartUpload must list every part that was uploaded,
	// or answers 400 InvalidPart. Found on RGW 16.2.15; it is not in the table.
	EveryPart bool
	// NoUploadIsNoKey: ListParts of an upload that is not open answers 404
	// NoSuchKey. Found on RGW 16.2.15; it is not in the table.
	NoUploadIsNoKey bool
	// UploadsByKey: ListMultipartUploads takes a prefix for a whole key, and lists
	// the uploads of no other. Reported for minio; it is not in the table.
	UploadsByKey bool
	// NoUploadsIsNoUpload: ListMultipartUploads answers 404 NoSuchUpload where none
	// is open. "rclone and gofakes3 answer", measured later.
	NoUploadsIsNoUpload bool
	// AbortSparesCopies: while a part of an upload is being copied,
	// AbortMultipartUpload says that it has removed the upload, but leaves it. "an abort while an
	// UploadPartCopy still runs", measured later.
	AbortSparesCopies bool
	// SmallParts: a part that is not the last may be of any size. Row "a part under
	// 5 MiB that is not last".
	SmallParts bool
	// MergesMetadata: PutObject keeps the user metadata of the old object, except what
	// it sets itself. "merges old metadata on PUT", measured later.
	MergesMetadata bool
	// CompleteETag is how the ETag is written in the answer to
	// CompleteMultipartUpload. Row "ETag in the Complete reply".
	CompleteETag ETagForm

	// NoCopyPart: UploadPartCopy answers 411 MissingContentLength. Row
	// "UploadPartCopy from the same key".
	NoCopyPart bool
	// NoCopyObject: CopyObject answers 501. It is in no measurement: a Store has to
	// do without.
	NoCopyObject bool
	// CopyRangeUnsatisfiable: a copy range past the end answers 416, not 400.
	// "Copy range past the end" under the table.
	CopyRangeUnsatisfiable bool
	// CopyRangeAnySource: ranges can be copied from sources of up to 5 MiB,
	// too. "Ranged copy wants a source over 5 MiB on AWS".
	CopyRangeAnySource bool

	// MetadataUnlimited: user metadata may exceed 2 KB. Row "3,000 bytes of
	// metadata".
	MetadataUnlimited bool
	// PartNumberIgnored: GET with partNumber returns the whole object. "GET
	// ?partNumber= is ignored", under Linode.
	PartNumberIgnored bool

	// Chunked is what becomes of bodies sent aws-chunked. Row "TLS, SDK default
	// trailing checksum".
	Chunked Chunked
	// ChunkedGzipForbidden: the same with Content-Encoding gzip answers 403.
	// Row "the same with Content-Encoding gzip".
	ChunkedGzipForbidden bool
	// Checksums is what becomes of the x-amz-checksum-* headers of uploads.
	// "SDK data-integrity checksums are not supported", under Linode.
	Checksums Checksums

	// SSEC is what becomes of encryption with a customer's key. Row "SSE-C".
	SSEC SSEC

	// Lifecycle, Encryption and Logging are what becomes of these settings of a bucket.
	// Row "lifecycle put"; RGW 16.2.15 and versitygw
	// 1.8 were asked for the others on 2026-11-30. Of minio
	// and of later gateways they are what their source says.
	Lifecycle, Encryption, Logging Setting
	// Software is the server's name for itself, in the header Server; "": fakes3.
	Software string
	// CephRequests: the numbers of requests have the form that Ceph's gateway gives
	// them.
	CephRequests bool

	// UnknownKey is the answer to an unknown access key; zero: 403
	// InvalidAccessKeyId. "unknown key" under the table.
	UnknownKey Error
	// NoMessages: error documents have no Message, so that an SDK shows
	// "UnknownError". Seen in reports from users of Linode.
	NoMessages bool
}

// Conditions is what a server does with the conditions of a request.
type Conditions int

const (
	Honoured Conditions = iota
	Ignored
	Refused // 501 NotImplemented
)

// Setting is what a server does with a setting of a bucket.
type Setting int

const (
	SettingKept    Setting = iota
	SettingRefused         // 501 NotImplemented
	SettingUnseen          // as if the parameter that names it were not there: a GET lists the bucket
	SettingEmpty           // can be read, as not set, and not be set
)

// Repeated is what a server answers when an upload that is not open is to be
// completed. It never changes the object.
type Repeated int

const (
	// RepeatedUnknown: 404 NoSuchUpload.
	RepeatedUnknown Repeated = iota
	// RepeatedSame: 200 if the upload was ever completed, otherwise 404.
	RepeatedSame
	// RepeatedByETag: 200 while the current object has the ETag that the listed
	// parts would give it, otherwise 500 InternalError: after another write to the
	// key the answer stays 500 for good. Found on RGW 16.2.15, which is where
	// "200 with an empty ETag, or 500" comes from.
	RepeatedByETag
)

// ETagForm is how an ETag is written.
type ETagForm int

const (
	ETagQuoted ETagForm = iota
	ETagBare
	ETagEmpty
	ETagOther // not the object's ETag
)

// Chunked is what a server does with Content-Encoding aws-chunked.
type Chunked int

const (
	ChunkedDecoded     Chunked = iota
	ChunkedRefused             // 400 XAmzContentSHA256Mismatch
	ChunkedKeepsCoding         // decoded, but "aws-chunked" stays as the object's Content-Encoding
)

// Checksums is what a server does with x-amz-checksum-* headers.
type Checksums int

const (
	ChecksumsVerified Checksums = iota
	ChecksumsIgnored
	ChecksumsRefused // 400 XAmzContentSHA256Mismatch
)

// SSEC is what a server does with a customer's key.
type SSEC int

const (
	SSECOverTLS  SSEC = iota // 400 over plain HTTP
	SSECAnywhere             // accepted over plain HTTP, too
	SSECIgnored              // as if none had been sent
	SSECRefused              // 501 NotImplemented
)

// Strict is what AWS documents.
func Strict() Profile { return Profile{Name: "strict"} }

// RGW16 is the RADOS Gateway of Ceph 16.2.15.
func RGW16() Profile {
	p := RGW18()
	p.Name = "rgw16"
	p.CompleteETag = ETagEmpty
	p.RepeatedETag = ETagBare // measured, while the table's "empty" is for the first answer
	p.EveryPart = true
	p.NoUploadIsNoKey = true
	p.ReadFailsWhileReplaced = true
	p.Chunked = ChunkedRefused
	p.Encryption = SettingUnseen
	return p
}

// RGW18 is the RADOS Gateway of Ceph 18.2.7.
func RGW18() Profile {
	p := RGW20()
	p.Name = "rgw18"
	p.Complete = Ignored
	p.Delete = Ignored
	p.LiteralIfMatch = true
	p.MissingKeyFails = true
	p.VersionedIfMatchFails = true
	p.VersionedIfNoneMatchIgnored = true
	p.VersionedNotAtomic = false // there is nothing left to be atomic
	p.CompleteETag = ETagBare
	p.PartNumberIgnored = true
	p.Chunked = ChunkedKeepsCoding
	p.Checksums = ChecksumsIgnored
	return p
}

// RGW20 is the RADOS Gateway of Ceph 20.2.4.
func RGW20() Profile {
	return Profile{
		Name:                   "rgw20",
		CopySource:             Ignored,
		CopyTarget:             Ignored,
		VersionedNotAtomic:     true,
		Repeated:               RepeatedByETag,
		RepeatedETag:           ETagEmpty,
		CopyRangeUnsatisfiable: true,
		CopyRangeAnySource:     true,
		MetadataUnlimited:      true,
		ChunkedGzipForbidden:   true,
		SSEC:                   SSECAnywhere,
		CephRequests:           true,
		Encryption:             SettingEmpty,
		Logging:                SettingEmpty,
		NoMessages:             true,
	}
}

// Linode is Linode Object Storage: a gateway like [RGW16] that also refuses every
// checksum an SDK sends, and returns no ETag after a repeated Complete.
func Linode() Profile {
	p := RGW16()
	p.Name = "linode"
	p.RepeatedETag = ETagEmpty
	p.Checksums = ChecksumsRefused
	return p
}

// MinIO is minio of February 2026.
func MinIO() Profile {
	return Profile{Name: "minio", Software: "MinIO", Encryption: SettingEmpty, Logging: SettingEmpty, Delete: Ignored, CopyTarget: Ignored, CopyRangeAnySource: true, UploadsByKey: true}
}

// Versity is versitygw 1.8.
func Versity() Profile {
	return Profile{
		Name:               "versity",
		Software:           "VERSITYGW",
		CopyTarget:         Ignored,
		Repeated:           RepeatedSame,
		CopyRangeAnySource: true,
		AbortSparesCopies:  true,
		SSEC:               SSECIgnored,
		Lifecycle:          SettingRefused,
		Encryption:         SettingRefused,
		Logging:            SettingRefused,
		UnknownKey:         Error{404, "XAdminUserNotFound", "There is no such user."},
	}
}

// B2 is Backblaze B2. Only one thing is known about it: a conditional PutObject
// answers 501. The worst is assumed for the rest: other conditions on writes are
// ignored.
func B2() Profile {
	return Profile{Name: "b2", Put: Refused, Complete: Ignored, Delete: Ignored, CopySource: Ignored, CopyTarget: Ignored}
}

// NoConditions is a server that ignores every condition.
func NoConditions() Profile {
	return Profile{
		Name: "noconditions", Put: Ignored, Complete: Ignored, Delete: Ignored, CopySource: Ignored, CopyTarget: Ignored, Read: Ignored,
	}
}

// Gofakes3 is gofakes3 1.2, in a bucket without versions: in one that has them it
// panics.
func Gofakes3() Profile {
	return Profile{
		Name: "gofakes3", Complete: Ignored, Delete: Ignored, CopySource: Ignored, CopyTarget: Ignored, Read: Ignored,
		MissingKeyFails: true, NoCopyPart: true, SmallParts: true, NoUploadsIsNoUpload: true, MergesMetadata: true, SSEC: SSECIgnored,
		Lifecycle: SettingUnseen, Encryption: SettingUnseen, Logging: SettingUnseen, // the last two are assumed
	}
}

// Rclone is rclone serve s3 1.76. Where several writers complete uploads at once the
// real one hangs.
func Rclone() Profile {
	return Profile{
		Name: "rclone", NotAtomic: true, CopyTarget: Ignored, NoCopyObject: true, Repeated: RepeatedSame, CompleteETag: ETagOther, RepeatedETag: ETagOther,
		CopyRangeAnySource: true, SmallParts: true, NoUploadsIsNoUpload: true,
		SSEC: SSECRefused, Lifecycle: SettingRefused,
	}
}

// Profiles returns all ready-made profiles.
func Profiles() []Profile {
	return []Profile{Strict(), Linode(), RGW16(), RGW18(), RGW20(), MinIO(), Versity(), B2(), NoConditions(), Gofakes3(), Rclone()}
}

// ProfileByName returns the ready-made profile with that name, in any case.
func ProfileByName(name string) (Profile, error) {
	var names []string
	for _, p := range Profiles() {
		if strings.EqualFold(p.Name, name) {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Profile{}, fmt.Errorf("unknown profile %q; use one of %s", name, strings.Join(names, ", "))
}
