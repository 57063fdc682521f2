"""other_controller.py HOME: gives a domain controller that does not run another invocationId."""

import sys
import uuid

import ldb
from samba.auth import system_session
from samba.dcerpc import misc
from samba.ndr import ndr_pack
from samba.param import LoadParm
from samba.samdb import SamDB

home = sys.argv[1]
parameters = LoadParm()
parameters.load(home + "/smb.conf")
database = SamDB(home + "/private/sam.ldb", session_info=system_session(parameters), lp=parameters)
message = ldb.Message(ldb.Dn(database, database.get_dsServiceName()))
identity = ndr_pack(misc.GUID(str(uuid.uuid4())))
message["invocationId"] = ldb.MessageElement(identity, ldb.FLAG_MOD_REPLACE, "invocationId")
database.modify(message, ["relax:0", "provision:0"])
