from .certificate import Certificate as Certificate, read_certificate as read_certificate
from .estimate import Audit as Audit
from .study import (
    AUDIT as AUDIT,
    ITEM_LABEL as ITEM_LABEL,
    KNOWN as KNOWN,
    AuditDraw as AuditDraw,
    AuditedList as AuditedList,
    AuditOptions as AuditOptions,
    audit as audit,
    audit_of as audit_of,
    audited_labels as audited_labels,
)
