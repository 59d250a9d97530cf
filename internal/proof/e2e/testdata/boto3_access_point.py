"""What a program with boto3 does by an access point: upload, read, a file in parts, list, delete. Prints what it listed."""
import io
import os

import boto3

point = os.environ["BUCKET"]
s3 = boto3.client("s3")

s3.put_object(Bucket=point, Key="small/ü a", Body=b"small")
assert s3.get_object(Bucket=point, Key="small/ü a")["Body"].read() == b"small"
large = os.urandom(12 << 20)
s3.upload_fileobj(io.BytesIO(large), point, "large")
read = io.BytesIO()
s3.download_fileobj(point, "large", read)
assert read.getvalue() == large
s3.put_object(Bucket=point, Key="gone", Body=b"")
s3.delete_object(Bucket=point, Key="gone")
print([item["Key"] for item in s3.list_objects_v2(Bucket=point)["Contents"]])
