package main

type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Effect   string
	Action   []string
	Resource []string
}

// policy returns what a key needs for all commands. docs/S3.md says what each permission
// is for.
func (b *bucketSetup) policy() policy {
	return policy{"2012-10-17", []statement{
		{"Allow", []string{"s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}, b.resources("*")},
		{"Allow", []string{"s3:DeleteObject", "s3:DeleteObjectVersion"}, b.resources("rotatelog-probe-*")},
		{"Allow", []string{"s3:DeleteObject"}, b.resources("damaged/*")},
		{"Allow", []string{"s3:ListBucket", "s3:ListBucketMultipartUploads"}, []string{b.resource("")}},
	}}
}

// readerPolicy returns what cat, export, report and verify need.
func (b *bucketSetup) readerPolicy() policy {
	return policy{"2012-10-17", []statement{
		{"Allow", []string{"s3:GetObject"}, b.resources("*")},
		{"Allow", []string{"s3:ListBucket"}, []string{b.resource("")}},
	}}
}

// resources returns the names of keys that begin as those of a stream, and then so.
func (b *bucketSetup) resources(then string) []string {
	var all []string
	for _, prefix := range b.prefixes() {
		all = append(all, b.resource("/"+prefix+then))
	}
	return all
}

func (b *bucketSetup) resource(path string) string { return "arn:aws:s3:::" + b.place.Bucket + path }
