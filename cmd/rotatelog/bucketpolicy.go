package main

type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Effect    string
	Principal *principal `json:",omitempty"` // in the policy of a bucket
	Action    []string
	Resource  []string
}

type principal struct{ AWS []string }

// printPolicies prints what the keys may do. Where only the bucket has a policy, it is one
// for all keys.
func (b *bucketSetup) printPolicies() error {
	writer, reader := policy{"2012-10-17", b.writes()}, policy{"2012-10-17", b.reads()}
	if user := b.provider.user; user != "" {
		writer.grant(user)
		reader.grant(user + "-reader")
		writer.Statement = append(writer.Statement, reader.Statement...)
		return b.printJSON("policy.json, of the bucket", writer)
	}
	if err := b.printJSON("policy.json, of the key that writes", writer); err != nil {
		return err
	}
	return b.printJSON("reader.json, of a key that only reads", reader)
}

func (p policy) grant(user string) {
	for i := range p.Statement {
		p.Statement[i].Principal = &principal{[]string{user}}
	}
}

// writes returns what a key needs for all commands. docs/S3.md says what each permission
// is for.
func (b *bucketSetup) writes() []statement {
	return []statement{
		allow(b.resources("*"), "s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
		allow(b.resources("rotatelog-probe-*"), "s3:DeleteObject", "s3:DeleteObjectVersion"),
		allow(b.resources("damaged/*"), "s3:DeleteObject"),
		allow([]string{b.resource("")}, "s3:ListBucket", "s3:ListBucketMultipartUploads"),
	}
}

// reads returns what cat, export, report and verify need.
func (b *bucketSetup) reads() []statement {
	return []statement{allow(b.resources("*"), "s3:GetObject"), allow([]string{b.resource("")}, "s3:ListBucket")}
}

func allow(resources []string, actions ...string) statement {
	return statement{Effect: "Allow", Action: actions, Resource: resources}
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
